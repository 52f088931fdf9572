// How the values of settings are spelled: one table an enum, for parsing, messages, describe and the schema.
#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace qcal {

template <class Enum>
struct Spelling {
  std::string_view text;
  Enum value;
};

// The spellings of each enum. The first one of a value is the one that is printed.
template <class Enum>
struct SpellingsOf;

template <>
struct SpellingsOf<Role> {
  static constexpr auto table = std::to_array<Spelling<Role>>({{"input", Role::input},
                                                               {"weights", Role::weights},
                                                               {"bias", Role::bias},
                                                               {"activation", Role::activation}});
};

template <>
struct SpellingsOf<TargetDevice> {
  static constexpr auto table = std::to_array<Spelling<TargetDevice>>(
      {{"DPU", TargetDevice::dpu}, {"CPU", TargetDevice::cpu}, {"GPU", TargetDevice::gpu}});
};

template <>
struct SpellingsOf<Datatype> {
  static constexpr auto table = std::to_array<Spelling<Datatype>>({{"int", Datatype::integer},
                                                                   {"float16", Datatype::float16},
                                                                   {"bfloat16", Datatype::bfloat16},
                                                                   {"float32", Datatype::float32}});
};

template <>
struct SpellingsOf<Method> {
  static constexpr auto table = std::to_array<Spelling<Method>>({{"maxmin", Method::maxmin},
                                                                 {"percentile", Method::percentile},
                                                                 {"entropy", Method::entropy},
                                                                 {"mse", Method::mse},
                                                                 {"diffs", Method::diffs}});
};

template <>
struct SpellingsOf<RoundMode> {
  static constexpr auto table = std::to_array<Spelling<RoundMode>>({{"half_even", RoundMode::half_even},
                                                                    {"half_up", RoundMode::half_up},
                                                                    {"half_down", RoundMode::half_down},
                                                                    {"std_round", RoundMode::std_round}});
};

// The options list says power_of_two, vai_q_pytorch's own files say poweroftwo.
template <>
struct SpellingsOf<ScaleType> {
  static constexpr auto table = std::to_array<Spelling<ScaleType>>({{"float", ScaleType::float_scale},
                                                                    {"power_of_two", ScaleType::power_of_two},
                                                                    {"poweroftwo", ScaleType::power_of_two}});
};

template <>
struct SpellingsOf<BatchStatistic> {
  static constexpr auto table = std::to_array<Spelling<BatchStatistic>>({{"modal", BatchStatistic::modal},
                                                                         {"max", BatchStatistic::max},
                                                                         {"mean", BatchStatistic::mean},
                                                                         {"median", BatchStatistic::median}});
};

template <>
struct SpellingsOf<CalibrationScope> {
  static constexpr auto table = std::to_array<Spelling<CalibrationScope>>(
      {{"per_batch", CalibrationScope::per_batch}, {"accumulated", CalibrationScope::accumulated}});
};

template <>
struct SpellingsOf<Placement> {
  static constexpr auto table = std::to_array<Spelling<Placement>>(
      {{"groups", Placement::groups}, {"compute", Placement::compute}, {"fused", Placement::fused}});
};

template <class Enum>
concept Spelled = requires {
  SpellingsOf<Enum>::table;
};

// Letters A to Z compare equal to a to z; everything else byte by byte.
bool equal_ignoring_case(std::string_view left, std::string_view right);

// How `value` is written in a configuration file: spelling(Method::mse) is "mse".
template <Spelled Enum>
constexpr std::string_view spelling(Enum value) {
  for (const auto& entry : SpellingsOf<Enum>::table)
    if (entry.value == value) return entry.text;
  return {};
}

// The value that `text` spells, without regard to case.
template <Spelled Enum>
std::optional<Enum> from_spelling(std::string_view text) {
  for (const auto& entry : SpellingsOf<Enum>::table)
    if (equal_ignoring_case(entry.text, text)) return entry.value;
  return std::nullopt;
}

// Every spelling of every value, in table order.
template <Spelled Enum>
std::vector<std::string_view> all_spellings() {
  std::vector<std::string_view> texts;
  for (const auto& entry : SpellingsOf<Enum>::table) texts.push_back(entry.text);
  return texts;
}

}  // namespace qcal
