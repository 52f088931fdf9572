// Well-formedness of UTF-8, and of the escapes that become it.
#pragma once

#include <cstddef>
#include <string_view>

namespace qcal {

// Bytes that continue a character are 10xxxxxx.
constexpr bool is_utf8_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80u;
}

// Offset of the first byte that does not belong to well-formed UTF-8 (overlong forms, surrogates and code
// points above U+10FFFF do not), or text.size().
std::size_t first_invalid_utf8(std::string_view text);

// Offset in JSON of the first \u escape of a low surrogate that does not follow a high one, or json.size().
// RapidJSON refuses a high surrogate alone, but makes bytes that are no UTF-8 of a low one.
std::size_t lone_low_surrogate(std::string_view json);

}  // namespace qcal
