// Range, sum and sum of squares of each channel from one read, on the device.
#pragma once

#include "kernels/device_range_math.h"
#include "kernels/moments_math.h"
#include "kernels/ordered_sum_cuda.h"

namespace qcal {

// Adds a piece; pieces come in the order of their elements. Merges what gather_ranges() would find into
// ranges[channel]; after the last piece, totals[channel] has the moments, the bits of the CPU's. All device
// memory. Enqueued; one read of the data.
void gather_moments(const KernelContext& context, const DeviceRows& rows, const PieceOfChannel& piece,
                    const OrderedSumState& state, DeviceRange* ranges, Moments* totals);

}  // namespace qcal
