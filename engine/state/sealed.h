// The envelope of every state: what it is, whole and unchanged.
//
//   0   8  "\x89QCAL\r\n\x1a": no text, and broken by whoever takes it for one
//   8   4  version of the format, 1
//   12  8  length of the contents
//   20     contents
//       64 SHA-256 of all before it, in hexadecimal digits
//
// Numbers have their lowest byte first. README.md says what the contents are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qcal {

inline constexpr std::size_t seal_bytes = 8 + 4 + 8 + 64;

std::string sealed(std::string_view contents);

// The contents, within `bytes`. Throws InputError, led by `source`, where they are no state, of another
// version, cut off or changed.
std::string_view opened(std::string_view bytes, const std::string& source);

// What two states must agree on to be of one calibration: (what it is, its value).
using Identity = std::vector<std::pair<std::string, std::string>>;

// Throws InputError, led by `source`, that says what `found` in it differs in, with both values or, of long
// ones, the places where they part.
void require_same(const Identity& found, const Identity& wanted, const std::string& source);

}  // namespace qcal
