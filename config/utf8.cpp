#include "config/utf8.h"

#include <charconv>

namespace qcal {
namespace {

struct Sequence {
  std::size_t length = 0;           // 0: the byte starts no sequence
  unsigned lowest_second = 0x80u;   // narrower where a wider range would be overlong,
  unsigned highest_second = 0xBFu;  // a surrogate or beyond U+10FFFF
};

// Table 3-7 of the Unicode standard.
Sequence sequence_of(unsigned lead) {
  if (lead < 0x80u) return {.length = 1};
  if (lead < 0xC2u) return {};
  if (lead < 0xE0u) return {.length = 2};
  if (lead == 0xE0u) return {.length = 3, .lowest_second = 0xA0u};
  if (lead == 0xEDu) return {.length = 3, .highest_second = 0x9Fu};
  if (lead < 0xF0u) return {.length = 3};
  if (lead == 0xF0u) return {.length = 4, .lowest_second = 0x90u};
  if (lead < 0xF4u) return {.length = 4};
  if (lead == 0xF4u) return {.length = 4, .highest_second = 0x8Fu};
  return {};
}

bool starts_well_formed(std::string_view text, const Sequence& sequence) {
  if (sequence.length == 0 || sequence.length > text.size()) return false;
  if (sequence.length == 1) return true;
  const unsigned second = static_cast<unsigned char>(text[1]);
  if (second < sequence.lowest_second || second > sequence.highest_second) return false;
  for (std::size_t i = 2; i < sequence.length; ++i)
    if (!is_utf8_continuation(text[i])) return false;
  return true;
}

constexpr std::size_t escape_size = 6;  // \uXXXX

// The code unit that a \u escape stands for; 0 where there is none.
unsigned escaped_unit(std::string_view json, std::size_t at) {
  if (at + escape_size > json.size() || json.substr(at, 2) != "\\u") return 0;
  unsigned unit = 0;
  const char* const end = json.data() + at + escape_size;
  return std::from_chars(json.data() + at + 2, end, unit, 16).ptr == end ? unit : 0;
}

bool is_high_surrogate(unsigned unit) {
  return unit >= 0xD800u && unit < 0xDC00u;
}

bool is_low_surrogate(unsigned unit) {
  return unit >= 0xDC00u && unit < 0xE000u;
}

}  // namespace

std::size_t first_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Sequence sequence = sequence_of(static_cast<unsigned char>(text[at]));
    if (!starts_well_formed(text.substr(at), sequence)) return at;
    at += sequence.length;
  }
  return at;
}

std::size_t lone_low_surrogate(std::string_view json) {
  std::size_t at = json.find('\\');
  while (at != std::string_view::npos) {
    const unsigned unit = escaped_unit(json, at);
    if (is_low_surrogate(unit)) return at;
    const bool is_pair = is_high_surrogate(unit) && is_low_surrogate(escaped_unit(json, at + escape_size));
    at = json.find('\\', at + (is_pair ? 2 * escape_size : 2));
  }
  return json.size();
}

}  // namespace qcal
