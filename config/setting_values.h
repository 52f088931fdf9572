// One JSON value as one setting's value, or what is wrong with it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/json_text.h"
#include "config/setting_names.h"
#include "config/settings.h"

namespace qcal {

// `value`, or `problem` where the JSON value is not one that the setting takes.
template <class Value>
struct Read {
  std::optional<Value> value;
  std::string problem;
};

inline constexpr int fewest_bits = 2;
inline constexpr int most_bits = 16;
inline constexpr int bias_accumulator_bits = 32;
inline constexpr int most_search_bins = 2048;

// How a JSON value appears in a message: "\"abc\"", "12", "null", "an array".
std::string in_words(const json::Value& value);

// "\"entrpy\" is not allowed; allowed: maxmin, entropy; did you mean entropy?"
std::string not_allowed(const json::Value& value, std::span<const std::string_view> allowed);

Read<bool> read_bool(const json::Value& value);
Read<Signedness> read_signedness(const json::Value& value);     // true, false or "auto"
Read<int> read_bit_width(const json::Value& value);             // [2, 16] or 32
Read<double> read_percentage(const json::Value& value);         // (0, 100]
Read<double> read_headroom(const json::Value& value);           // [0, 1]
Read<double> read_decibels(const json::Value& value);           // 0 or more
Read<SearchStart> read_search_start(const json::Value& value);  // "preset", "levels" or bins in [1, 2048]

template <Spelled Enum>
Read<Enum> read_option(const json::Value& value) {
  if (value.kind == json::Value::Kind::string)
    if (const auto option = from_spelling<Enum>(value.text)) return {option, {}};
  return {std::nullopt, not_allowed(value, all_spellings<Enum>())};
}

}  // namespace qcal
