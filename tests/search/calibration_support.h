// Calibrating a tensor in one line.
#pragma once

#include <numeric>
#include <string>
#include <vector>

#include "engine/collect/tensor_calibration.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {

struct Wanted {
  Method method = Method::maxmin;
  int bit_width = 8;
  RoundMode round_mode = RoundMode::half_even;
  bool symmetric = true;
  Signedness sign = Signedness::is_signed;
  bool narrow = false;
  ScaleType scale_type = ScaleType::float_scale;
  CalibrationScope scope = CalibrationScope::per_batch;
  BatchStatistic statistic = BatchStatistic::max;
  double percentage = 99.99;
  std::optional<int> axis = std::nullopt;  // per channel where given
  NonFinite non_finite = NonFinite::reject;
  double headroom = 0.0;
};

inline TensorSettings settings_of(const Wanted& wanted) {
  TensorSettings settings;
  settings.method.value = wanted.method;
  settings.bit_width.value = wanted.bit_width;
  settings.round_mode.value = wanted.round_mode;
  settings.symmetry.value = wanted.symmetric;
  settings.is_signed.value = wanted.sign;
  settings.narrow_range.value = wanted.narrow;
  settings.scale_type.value = wanted.scale_type;
  settings.calib_scope.value = wanted.scope;
  settings.calib_statistic_method.value = wanted.statistic;
  settings.percentage.value = wanted.percentage;
  settings.headroom.value = wanted.headroom;
  settings.per_channel.value = wanted.axis.has_value();
  return settings;
}

inline TensorCalibration calibration_of(const Wanted& wanted) {
  TensorContext context;
  context.channel_axis = wanted.axis;
  context.non_finite = wanted.non_finite;
  return {tensor_spec(settings_of(wanted), context), *Backend::cpu()};
}

struct Batch {
  std::vector<float> values;
  std::vector<std::int64_t> shape{};  // empty: one dimension
};

inline TensorView view_of(const Batch& batch) {
  const std::vector<std::int64_t> flat{static_cast<std::int64_t>(batch.values.size())};
  return {batch.values.data(), DType::f32, batch.shape.empty() ? flat : batch.shape, Memory::host, {}};
}

inline TensorOutcome calibrated(const Wanted& wanted, const std::vector<Batch>& batches) {
  TensorCalibration calibration = calibration_of(wanted);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    calibration.observe(view_of(batches[i]), static_cast<std::int64_t>(i), {});
  }
  return calibration.finish();
}

inline constexpr Method all_methods[] = {Method::maxmin, Method::percentile, Method::entropy, Method::mse,
                                         Method::diffs};
inline constexpr ScaleType all_scale_types[] = {ScaleType::float_scale, ScaleType::power_of_two};
inline constexpr CalibrationScope all_scopes[] = {CalibrationScope::per_batch, CalibrationScope::accumulated};
inline constexpr RoundMode all_round_modes[] = {RoundMode::half_even, RoundMode::half_up,
                                                RoundMode::half_down, RoundMode::std_round};

inline std::string text_of(const Wanted& wanted) {
  constexpr const char* methods[] = {"maxmin", "percentile", "entropy", "mse", "diffs"};
  return std::string(methods[static_cast<int>(wanted.method)]) + ", " + std::to_string(wanted.bit_width) +
         " bits, " + (wanted.symmetric ? "symmetric " : "asymmetric ") +
         (wanted.sign == Signedness::is_signed ? "signed" : "not signed") +
         (wanted.narrow ? ", narrow" : "") +
         (wanted.scale_type == ScaleType::power_of_two ? ", power of two" : "") +
         (wanted.scope == CalibrationScope::accumulated ? ", accumulated" : "") + ", round mode " +
         std::to_string(static_cast<int>(wanted.round_mode));
}

}  // namespace qcal::testing
