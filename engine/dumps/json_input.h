// JSON from a file that nobody vouches for.
#pragma once

#include <rapidjson/document.h>

#include <string>
#include <string_view>

namespace qcal {

// Parses one JSON value and nothing after it. Numbers keep every bit; text must be UTF-8; no object has a key
// twice; nesting is bounded, so that neither the stack nor the heap grows out of proportion to the text.
// `where` begins the message. Throws InputError with line and column, or the way to the key.
rapidjson::Document parse_json(std::string_view text, const std::string& where);

inline std::string_view text_of(const rapidjson::Value& string) {
  return {string.GetString(), string.GetStringLength()};
}

}  // namespace qcal
