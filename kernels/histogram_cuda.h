// Histograms of each channel, on the device.
#pragma once

#include "kernels/bin_plan_math.h"
#include "kernels/cuda_support/device_rows.h"
#include "kernels/cuda_support/kernel_context.h"
#include "kernels/device_range_math.h"

namespace qcal {

// plans[channel] from ranges[channel] of `elements` values each; both in device memory. Enqueued.
void plan_bins(const KernelContext& context, const DeviceRange* ranges, std::int64_t channels,
               std::uint64_t elements, BinRule rule, Counted counted, BinPlan* plans);

// Adds the channels' values to counts[channel * most_bins + bin] (device memory); plans[channel].bins <=
// most_bins. Up to histogram_bins are counted in shared memory first. Enqueued; one read of the data.
void count_bins(const KernelContext& context, const DeviceRows& rows, const BinPlan* plans,
                std::int64_t most_bins, std::uint64_t* counts);

}  // namespace qcal
