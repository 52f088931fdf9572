#include "engine/dumps/json_input.h"

#include <fmt/format.h>
#include <rapidjson/error/en.h>

#include <algorithm>

#include "engine/error.h"

namespace qcal {
namespace {

constexpr int deepest =
    64;  // our formats need 6; a line of brackets as long as the file would need gigabytes

[[noreturn]] void fail(std::string_view text, std::size_t at, const std::string& where,
                       std::string_view what) {
  const std::string_view before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t column = at - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0: the first line
  throw InputError(fmt::format("{}:{}:{}: not valid JSON: {}", where, line, column, what));
}

void check_depth(std::string_view text, const std::string& where) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char character = text[i];
    if (in_string) {
      if (character == '\\') ++i;
      if (character == '"') in_string = false;
    } else if (character == '"') {
      in_string = true;
    } else if (character == '[' || character == '{') {
      if (++depth > deepest) fail(text, i, where, fmt::format("nested deeper than {} levels", deepest));
    } else if (character == ']' || character == '}') {
      --depth;
    }
  }
}

}  // namespace

rapidjson::Document parse_json(std::string_view text, const std::string& where) {
  // The parser takes a zero byte for the end of the text, and would pass over whatever follows.
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
    fail(text, zero, where, "a zero byte");
  check_depth(text, where);
  rapidjson::Document document;
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseFullPrecisionFlag |
                             rapidjson::kParseValidateEncodingFlag;
  document.Parse<flags>(text.data(), text.size());
  if (document.HasParseError()) {
    fail(text, std::min(document.GetErrorOffset(), text.size()), where,
         rapidjson::GetParseError_En(document.GetParseError()));
  }
  return document;
}

}  // namespace qcal
