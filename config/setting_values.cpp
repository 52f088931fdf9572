#include "config/setting_values.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>

#include "config/nearest_spelling.h"

namespace qcal {
namespace {

using Kind = json::Value::Kind;

constexpr std::size_t longest_number = 40;

std::string allowed_list(std::span<const std::string_view> allowed) {
  std::string list;
  for (const std::string_view option : allowed) {
    if (!list.empty()) list += ", ";
    list += option;
  }
  return list;
}

std::string refused(const json::Value& value, std::string_view allowed, std::string_view meant = {}) {
  std::string message = in_words(value) + " is not allowed; allowed: " + std::string(allowed);
  if (!meant.empty()) message += "; did you mean " + std::string(meant) + "?";
  return message;
}

// Python's True, C's 1 and quoted booleans.
std::string_view boolean_meant(const json::Value& value) {
  if (equal_ignoring_case(value.text, "true") || value.text == "1") return "true";
  if (equal_ignoring_case(value.text, "false") || value.text == "0") return "false";
  return {};
}

// The number inside a string such as "8", for "did you mean".
std::string_view whole_number_meant(const json::Value& value) {
  if (value.kind != Kind::string) return {};
  int number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, status] = std::from_chars(value.text.data(), end, number);
  return status == std::errc{} && stop == end ? std::string_view(value.text) : std::string_view();
}

std::string_view why_not_that_many_bits(int bits) {
  if (bits == 1) return "one bit leaves no positive value to scale by";
  if (bits <= 0) return "to leave a tensor in float set \"datatype\": \"float32\"";
  if (bits < bias_accumulator_bits) return "no ONNX integer type of that size but a bias' 32 bits exists";
  return "integer kernels accumulate in 32 bits";
}

}  // namespace

std::string in_words(const json::Value& value) {
  switch (value.kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return value.boolean ? "true" : "false";
    case Kind::number:
      if (value.text.size() > longest_number) return value.text.substr(0, longest_number) + "...";
      return value.text;
    case Kind::string:
      return json::in_quotes(value.text);
    case Kind::array:
      return "an array";
    case Kind::object:
      return "an object";
  }
  return {};
}

std::string not_allowed(const json::Value& value, std::span<const std::string_view> allowed) {
  const std::string_view meant =
      value.kind == Kind::string ? nearest_spelling(value.text, allowed) : std::string_view();
  return refused(value, allowed_list(allowed), meant);
}

Read<bool> read_bool(const json::Value& value) {
  if (value.kind == Kind::boolean) return {value.boolean, {}};
  return {std::nullopt, refused(value, "true, false", boolean_meant(value))};
}

Read<Signedness> read_signedness(const json::Value& value) {
  if (value.kind == Kind::boolean)
    return {value.boolean ? Signedness::is_signed : Signedness::is_unsigned, {}};
  if (value.kind == Kind::string && equal_ignoring_case(value.text, "auto"))
    return {Signedness::automatic, {}};
  return {std::nullopt, refused(value, "true, false, \"auto\"", boolean_meant(value))};
}

Read<int> read_bit_width(const json::Value& value) {
  static constexpr std::string_view allowed = "2 to 16, or 32 for bias";
  const std::optional<int> bits = value.integer();
  if (!bits) return {std::nullopt, refused(value, allowed, whole_number_meant(value))};
  if ((*bits >= fewest_bits && *bits <= most_bits) || *bits == bias_accumulator_bits) return {bits, {}};
  return {std::nullopt, refused(value, allowed) + "; " + std::string(why_not_that_many_bits(*bits))};
}

Read<double> read_percentage(const json::Value& value) {
  const std::optional<double> percentage = value.number();
  if (percentage && *percentage > 0 && *percentage <= 100) return {percentage, {}};
  return {std::nullopt, refused(value, "a number above 0 and up to 100", whole_number_meant(value))};
}

Read<double> read_headroom(const json::Value& value) {
  const std::optional<double> headroom = value.number();
  if (headroom && *headroom >= 0 && *headroom <= 1) return {headroom, {}};
  return {std::nullopt, refused(value, "a number from 0 to 1", whole_number_meant(value))};
}

Read<double> read_decibels(const json::Value& value) {
  const std::optional<double> decibels = value.number();
  if (decibels && *decibels >= 0) return {decibels, {}};
  return {std::nullopt, refused(value, "a number, 0 or more", whole_number_meant(value))};
}

Read<SearchStart> read_search_start(const json::Value& value) {
  if (value.kind == Kind::string) {
    if (equal_ignoring_case(value.text, "preset")) return {SearchStart{SearchStart::Kind::preset, 0}, {}};
    if (equal_ignoring_case(value.text, "levels")) return {SearchStart{SearchStart::Kind::levels, 0}, {}};
  }
  const std::optional<int> bins = value.integer();
  if (bins && *bins >= 1 && *bins <= most_search_bins)
    return {SearchStart{SearchStart::Kind::bins, *bins}, {}};

  static constexpr std::array<std::string_view, 2> words{"preset", "levels"};
  const std::string_view word =
      value.kind == Kind::string ? nearest_spelling(value.text, words) : std::string_view();
  return {std::nullopt, refused(value, "\"preset\", \"levels\", or bins from 1 to 2048",
                                word.empty() ? whole_number_meant(value) : word)};
}

}  // namespace qcal
