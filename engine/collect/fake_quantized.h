// A tensor as its quantized form would read.
#pragma once

#include <span>

#include "config/settings.h"
#include "engine/export/quantization_parameters.h"
#include "kernels/tensor_view.h"

namespace qcal {

// out = dequantize(quantize(values)) under `parameters`, in C order; by vai_q_pytorch's arithmetic with
// Compatibility::vitis. `values`: host memory, any dtype (widened or rounded to float32) and strides; `out`
// has values.size() elements and may not overlap. NaN becomes what 0 becomes. Throws InvalidArgument naming
// the tensor: no integer parameters, another number of channels than these, device memory. Cost: one read,
// one write.
void fake_quantize_tensor(const TensorView& values, const TensorParameters& parameters,
                          Compatibility compatibility, std::span<float> out);

}  // namespace qcal
