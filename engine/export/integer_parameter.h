// Weights and biases as the integers that a device holds.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/settings.h"
#include "engine/export/quantization_parameters.h"
#include "engine/graph/graph.h"

namespace qcal {

// real = scale * (q - zero_point), along `axis` where there are several scales.
struct IntegerParameter {
  std::vector<std::int64_t> values;  // C order
  std::vector<float> scale;
  std::vector<std::int64_t> zero_point;
  ElementType type = ElementType::int8;  // the smallest that holds qmin and qmax: of 8, 16 or 32 bits
};

// `values`, C order, in the integers of `parameters`, rounded as these say. Up to 16 bits,
// scale * (q - zero_point) has the bits of fake_quantize(); wider ones are computed in double.
IntegerParameter integer_parameter(const Constant& values, const TensorParameters& parameters,
                                   Compatibility compatibility);

// A bias in 32 bits with the scale `product` (input x weights; one, or one a channel), which integer kernels
// demand. A bias whose own scale is an integral multiple of it (powers of two) keeps its value exactly.
// Absent where a value would change by that or does not fit, and where one value serves several channels.
std::optional<IntegerParameter> rescaled_bias(const IntegerParameter& bias,
                                              const std::vector<float>& product);

// The type of 8, 16 or 32 bits that holds [qmin, qmax].
ElementType container(const TensorParameters& parameters);
// Whether the container holds more: then values must be clipped before they are quantized.
bool is_narrower_than_container(const TensorParameters& parameters);

}  // namespace qcal
