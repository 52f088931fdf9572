// The range of each channel, on the device.
#pragma once

#include "kernels/cuda_support/device_rows.h"
#include "kernels/cuda_support/kernel_context.h"
#include "kernels/device_range_math.h"

namespace qcal {

// Merges the channels' values into ranges[channel] (device memory, zeroed or gathered before). Enqueued on
// the context's stream; one read of the data. The result does not depend on order or timing.
void gather_ranges(const KernelContext& context, const DeviceRows& rows, DeviceRange* ranges);

}  // namespace qcal
