// The words that stand for settings in result files: those of the configuration format, and back.
#pragma once

#include <optional>
#include <string_view>

#include "config/settings.h"
#include "engine/export/quantization_parameters.h"

namespace qcal::export_names {

std::string_view name(Role role);                 // input, weights, bias, activation
std::string_view name(Datatype datatype);         // int, float16, bfloat16, float32
std::string_view name(Granularity granularity);   // per_tensor, per_channel
std::string_view name(Method method);             // maxmin, percentile, entropy, mse, diffs
std::string_view name(RoundMode mode);            // half_even, half_up, half_down, std_round
std::string_view name(ScaleType type);            // float, poweroftwo
std::string_view name(BatchStatistic statistic);  // modal, max, mean, median
std::string_view name(CalibrationScope scope);    // per_batch, accumulated

// The value that a word stands for; absent for an unknown word.
template <class Setting>
std::optional<Setting> from_name(std::string_view word);

}  // namespace qcal::export_names
