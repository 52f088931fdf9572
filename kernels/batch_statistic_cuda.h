// The batch statistic over results that are on the device.
#pragma once

#include <cstdint>

#include "kernels/batch_statistic.h"
#include "kernels/cuda_support/kernel_context.h"

namespace qcal {

// Bytes of device memory that batch_statistic() works in, for `count` values.
std::size_t batch_statistic_bytes(std::int64_t count);

// *result = batch_statistic(values) to the bit; see batch_statistic.h. `values` (in batch order, count >= 1),
// `scratch` (aligned to 16 bytes) and `result` are device memory; the values are left as they are. Sorting
// takes temporary device memory of its own. Enqueued, except that the modal value waits for the device.
void batch_statistic(const KernelContext& context, const double* values, std::int64_t count,
                     Statistic statistic, ModalRule rule, std::byte* scratch, double* result);

}  // namespace qcal
