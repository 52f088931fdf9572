// Well-formedness of UTF-8.
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

}  // namespace qcal
