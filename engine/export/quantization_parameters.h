// What a calibration finds: the parameters of every quantized tensor, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/setting_names.h"
#include "config/settings.h"

namespace qcal {

enum class Granularity { per_tensor, per_channel };

template <>
struct SpellingsOf<Granularity> {
  static constexpr auto table = std::to_array<Spelling<Granularity>>(
      {{"per_tensor", Granularity::per_tensor}, {"per_channel", Granularity::per_channel}});
};

// What each batch alone would have given. Outer index: batch. Inner: channel, one entry for a per-tensor
// scale.
struct PerBatch {
  std::vector<std::vector<double>> scale;
  std::vector<std::vector<std::int64_t>> zero_point;
  std::vector<std::vector<double>> amax;
  bool operator==(const PerBatch&) const = default;
};

// real = scale * (q - zero_point), q in [qmin, qmax]. `scale`, `zero_point` and `amax` have one entry a
// tensor or one a channel; they are empty where `datatype` is not integer: such a tensor is cast, not scaled.
struct TensorParameters {
  std::string name;  // ONNX tensor name
  Role role = Role::activation;
  std::string layer;       // ONNX node name of the layer that owns it
  std::string layer_type;  // "Conv2d"
  Datatype datatype = Datatype::integer;
  int bit_width = 8;
  std::int64_t qmin = 0;
  std::int64_t qmax = 0;
  bool is_signed = true;
  bool symmetric = true;
  Granularity granularity = Granularity::per_tensor;
  std::optional<int> axis;  // of the channels; set exactly where granularity is per_channel
  Method method = Method::diffs;
  RoundMode round_mode = RoundMode::half_even;
  ScaleType scale_type = ScaleType::float_scale;
  std::vector<double> scale;
  std::vector<std::int64_t> zero_point;
  std::vector<double> amax;                 // the largest magnitude that the scale is made for
  std::optional<std::vector<int>> fix_pos;  // scale = 2^-fix_pos; set where every scale is such a power
  std::int64_t batches = 0;
  BatchStatistic statistic = BatchStatistic::modal;
  CalibrationScope scope = CalibrationScope::per_batch;
  PerBatch per_batch;
  std::uint64_t elements = 0;    // seen over all batches
  std::uint64_t non_finite = 0;  // of these, NaN or infinite
  bool operator==(const TensorParameters&) const = default;
};

struct QuantizationParameters {
  std::vector<TensorParameters> tensors;  // in graph order
  bool operator==(const QuantizationParameters&) const = default;
};

}  // namespace qcal
