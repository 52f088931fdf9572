// Sorting and run lengths on the device, which Thrust does.
#pragma once

#include <cstdint>

#include "kernels/batch_statistic.h"
#include "kernels/cuda_support/kernel_context.h"
#include "kernels/cuda_support/value_run.h"

namespace qcal {

// Ascending, in place; device memory. Enqueued.
void sort_values(const KernelContext& context, double* values, std::int64_t count);

// The longest run of sorted values (device memory) that the rule holds for the same; the first of equally
// long ones. `lengths` has room for count + 1 numbers (device memory). Waits for the device.
ValueRun longest_run(const KernelContext& context, const double* sorted, std::int64_t count, ModalRule rule,
                     std::int64_t* lengths);

}  // namespace qcal
