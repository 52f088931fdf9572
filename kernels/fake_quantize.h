// Quantize-then-dequantize of whole tensors.
#pragma once

#include <span>

#include "kernels/quantize_math.h"

namespace qcal {

// out[i] = fake-quantized values[i]; both of one size, may be the same memory. Cost: one read, one write.
void fake_quantize(std::span<const float> values, const ElementQuantizer& quantizer, std::span<float> out);

}  // namespace qcal
