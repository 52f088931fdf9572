// A small calibration result that uses every field, for the tests of what is written and read.
#pragma once

#include "engine/export/quantization_parameters.h"

namespace qcal::testing {

inline TensorParameters sample_activation() {
  TensorParameters tensor;
  tensor.name = "/conv1/Conv_output_0";
  tensor.role = Role::activation;
  tensor.layer = "/conv1/Conv";
  tensor.layer_type = "Conv2d";
  tensor.bit_width = 8;
  tensor.qmin = 0;
  tensor.qmax = 255;
  tensor.is_signed = false;
  tensor.symmetric = false;
  tensor.method = Method::entropy;
  tensor.round_mode = RoundMode::half_up;
  tensor.scale = {0.1};
  tensor.zero_point = {3};
  tensor.amax = {25.2};
  tensor.batches = 2;
  tensor.statistic = BatchStatistic::median;
  tensor.per_batch = {.scale = {{0.1}, {0.2}}, .zero_point = {{3}, {4}}, .amax = {{25.2}, {50.4}}};
  tensor.elements = 16384;
  tensor.non_finite = 1;
  return tensor;
}

inline TensorParameters sample_weights() {
  TensorParameters tensor;
  tensor.name = "conv1.weight";
  tensor.role = Role::weights;
  tensor.layer = "/conv1/Conv";
  tensor.layer_type = "Conv2d";
  tensor.bit_width = 4;
  tensor.qmin = -8;
  tensor.qmax = 7;
  tensor.granularity = Granularity::per_channel;
  tensor.axis = 0;
  tensor.method = Method::percentile;
  tensor.round_mode = RoundMode::std_round;
  tensor.scale_type = ScaleType::power_of_two;
  tensor.scale = {0.25, 0.5};
  tensor.zero_point = {0, 0};
  tensor.amax = {1.75, 3.5};
  tensor.fix_pos = {2, 1};
  tensor.batches = 1;
  tensor.scope = CalibrationScope::accumulated;
  tensor.per_batch = {.scale = {{0.25, 0.5}}, .zero_point = {{0, 0}}, .amax = {{1.75, 3.5}}};
  tensor.elements = 72;
  return tensor;
}

inline TensorParameters sample_input() {
  TensorParameters tensor;
  tensor.name = "input";
  tensor.role = Role::input;
  tensor.datatype = Datatype::bfloat16;
  tensor.bit_width = 16;
  tensor.batches = 2;
  tensor.elements = 2048;
  return tensor;
}

inline QuantizationParameters sample_parameters() {
  return {.tensors = {sample_input(), sample_weights(), sample_activation()}};
}

}  // namespace qcal::testing
