// What a runtime demands of a quantized network, beyond its being valid ONNX.
#pragma once

#include <string>
#include <vector>

#include "config/setting_names.h"
#include "engine/export/quantization_parameters.h"

namespace qcal {

enum class Runtime { onnxruntime, tensorrt };

template <>
struct SpellingsOf<Runtime> {
  static constexpr auto table = std::to_array<Spelling<Runtime>>(
      {{"onnxruntime", Runtime::onnxruntime}, {"tensorrt", Runtime::tensorrt}});
};

// One line for each demand that is not met, with the tensors and the setting to change; empty where the
// runtime takes everything. onnxruntime runs any such network: its demands are those of its integer kernels.
// TensorRT's are those of explicit quantization: int8, symmetric, zero point 0, one scale an activation, and
// biases in float.
std::vector<std::string> runtime_problems(const QuantizationParameters& parameters, Runtime runtime);

// TensorRT's calibration cache, for versions that read scales instead of Q/DQ nodes: a line for each input
// and activation with an integer datatype, with the bits of its scale amax / 127 as float32 in hexadecimal.
std::string tensorrt_cache(const QuantizationParameters& parameters);

}  // namespace qcal
