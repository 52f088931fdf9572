// Counts of bit patterns of 16-bit tensors, on the device: exact, mergeable, and all that any later pass over
// such a tensor could find out.
#pragma once

#include "kernels/bin_plan_math.h"
#include "kernels/cuda_support/device_rows.h"
#include "kernels/cuda_support/kernel_context.h"
#include "kernels/device_range_math.h"

namespace qcal {

inline constexpr int raw_patterns = 65536;

// Adds the tensor's values to counts[bit pattern] (raw_patterns counters in device memory). `rows` are f16 or
// bf16; all channels are counted together. Enqueued; one read of the data.
void count_patterns(const KernelContext& context, const DeviceRows& rows, std::uint64_t* counts);

// What gather_ranges() would find in the values that `patterns` counted; `range` is zeroed. Enqueued.
void range_of_patterns(const KernelContext& context, const std::uint64_t* patterns, DType dtype,
                       DeviceRange* range);

// What count_bins() would count of them; *plan has at most histogram_bins bins. Enqueued.
void bins_of_patterns(const KernelContext& context, const std::uint64_t* patterns, DType dtype,
                      const BinPlan* plan, std::uint64_t* counts);

}  // namespace qcal
