// Any tensor in device memory as rows that the other kernels read well.
#pragma once

#include <optional>

#include "kernels/channel_layout.h"
#include "kernels/cuda_support/device_rows.h"
#include "kernels/cuda_support/kernel_context.h"

namespace qcal {

// The view itself as rows; none where it must be gathered first: float64, data not aligned to an element,
// more dimensions than two, or runs so short that a warp would read them one by one.
std::optional<DeviceRows> direct_rows(const TensorView& view, const ChannelLayout& layout);

// Writes the view's channels one after another, as float32, to `out` (device memory, channels * elements
// floats) and returns them as rows. Enqueued. Throws InvalidArgument for more than 8 dimensions that do not
// merge.
DeviceRows gather_rows(const KernelContext& context, const TensorView& view, const ChannelLayout& layout,
                       float* out);

}  // namespace qcal
