// Squared errors of several candidate quantizers for each channel, on the device.
#pragma once

#include "kernels/cuda_support/device_rows.h"
#include "kernels/cuda_support/kernel_context.h"
#include "kernels/device_range_math.h"
#include "kernels/ordered_sum_cuda.h"
#include "kernels/scale_error_math.h"

namespace qcal {

// specs[channel] from ranges[channel] of `elements` values each: the device goes on from the range it
// has found without the host's help. Enqueued.
void plan_errors(const KernelContext& context, const CandidateSpec& candidates, const DeviceRange* ranges,
                 std::int64_t channels, std::uint64_t elements, ErrorSpec* specs);

// Adds a piece; pieces come in the order of their elements. After the last one, totals[channel] (device
// memory) has the errors, the bits of the CPU's chunk_errors() and OrderedTree. Enqueued; one read of
// the data.
void add_errors(const KernelContext& context, const DeviceRows& rows, const PieceOfChannel& piece,
                const ErrorSpec* specs, const OrderedSumState& state, CandidateErrors* totals);

}  // namespace qcal
