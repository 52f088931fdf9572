#include "engine/dumps/in_quotes.h"

#include <fmt/format.h>

namespace qcal {

std::string in_quotes(std::string_view text) {
  // A name as long as a file is an attack or an accident: the beginning identifies it well enough.
  constexpr std::size_t longest = 200;
  std::string result = "\"";
  for (const char character : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      if (character == '"' || character == '\\') result += '\\';
      result += character;
    }
  }
  result += text.size() > longest ? "...\"" : "\"";
  return result;
}

}  // namespace qcal
