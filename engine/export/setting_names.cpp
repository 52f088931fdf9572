#include "engine/export/setting_names.h"

#include <array>
#include <cstddef>

namespace qcal::export_names {
namespace {

// In the order of the enumerators.
template <class Setting>
inline constexpr std::array<std::string_view, 0> words{};
template <>
inline constexpr std::array<std::string_view, 4> words<Role>{"input", "weights", "bias", "activation"};
template <>
inline constexpr std::array<std::string_view, 4> words<Datatype>{"int", "float16", "bfloat16", "float32"};
template <>
inline constexpr std::array<std::string_view, 2> words<Granularity>{"per_tensor", "per_channel"};
template <>
inline constexpr std::array<std::string_view, 5> words<Method>{"maxmin", "percentile", "entropy", "mse",
                                                               "diffs"};
template <>
inline constexpr std::array<std::string_view, 4> words<RoundMode>{"half_even", "half_up", "half_down",
                                                                  "std_round"};
template <>
inline constexpr std::array<std::string_view, 2> words<ScaleType>{"float", "poweroftwo"};
template <>
inline constexpr std::array<std::string_view, 4> words<BatchStatistic>{"modal", "max", "mean", "median"};
template <>
inline constexpr std::array<std::string_view, 2> words<CalibrationScope>{"per_batch", "accumulated"};

template <class Setting>
std::string_view word(Setting setting) {
  return words<Setting>.at(static_cast<std::size_t>(setting));
}

}  // namespace

std::string_view name(Role role) {
  return word(role);
}
std::string_view name(Datatype datatype) {
  return word(datatype);
}
std::string_view name(Granularity granularity) {
  return word(granularity);
}
std::string_view name(Method method) {
  return word(method);
}
std::string_view name(RoundMode mode) {
  return word(mode);
}
std::string_view name(ScaleType type) {
  return word(type);
}
std::string_view name(BatchStatistic statistic) {
  return word(statistic);
}
std::string_view name(CalibrationScope scope) {
  return word(scope);
}

template <class Setting>
std::optional<Setting> from_name(std::string_view wanted) {
  for (std::size_t i = 0; i < words<Setting>.size(); ++i) {
    if (words<Setting>[i] == wanted) return static_cast<Setting>(i);
  }
  return std::nullopt;
}

template std::optional<Role> from_name<Role>(std::string_view);
template std::optional<Datatype> from_name<Datatype>(std::string_view);
template std::optional<Granularity> from_name<Granularity>(std::string_view);
template std::optional<Method> from_name<Method>(std::string_view);
template std::optional<RoundMode> from_name<RoundMode>(std::string_view);
template std::optional<ScaleType> from_name<ScaleType>(std::string_view);
template std::optional<BatchStatistic> from_name<BatchStatistic>(std::string_view);
template std::optional<CalibrationScope> from_name<CalibrationScope>(std::string_view);

}  // namespace qcal::export_names
