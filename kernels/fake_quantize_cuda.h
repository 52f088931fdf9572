// Quantize-then-dequantize of whole tensors, on the device.
#pragma once

#include "kernels/cuda_support/device_rows.h"
#include "kernels/cuda_support/kernel_context.h"
#include "kernels/quantize_math.h"

namespace qcal {

// out has the fake-quantized values as float32, at the rows' own offsets: element i of channel c lies where
// `rows` has it, counted from `out`; the same memory for float32 in place. quantizers[channel] and `out` are
// device memory; all quantizers round as `rounding` and `arithmetic` say. Enqueued; one read, one write.
void fake_quantize(const KernelContext& context, const DeviceRows& rows, const ElementQuantizer* quantizers,
                   Rounding rounding, StepArithmetic arithmetic, float* out);

}  // namespace qcal
