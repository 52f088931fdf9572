// quant_info.json: the same parameters in the layout of vai_q_pytorch, for the tools that consume it.
#pragma once

#include <map>
#include <string>

#include "config/settings.h"
#include "engine/export/quantization_parameters.h"

namespace qcal {

struct QuantInfoOptions {
  // ONNX tensor name to the name to write, e.g. vai_q_pytorch's; names that are absent are written as they
  // are.
  std::map<std::string, std::string> names{};
  // vitis: digits as vai_q_pytorch prints them too (a parameter's float_max, where a histogram gave it, as a
  // float32).
  Compatibility compatibility = Compatibility::standard;
};

// {"param": {name: [[8, 5]]}, "output": {...}, "input": {...}}: weights and biases, activations, inputs.
//   power of two: [[bit_width, fix_pos]]
//   float scale:  [[bit_width, scale, zero_point, float_max]], float_max being amax
//   per channel:  a list, one entry a channel, in the place of each of fix_pos, scale, zero_point and
//   float_max
// Tensors that are not quantized to integers have no place in that layout and are left out. A name that
// stands for several tensors of one section is written once where these agree; otherwise the later ones are
// written as "name@layer". Throws InvalidArgument, naming the tensor, for a number that is not finite.
std::string quant_info_json(const QuantizationParameters& parameters, const QuantInfoOptions& options = {});

}  // namespace qcal
