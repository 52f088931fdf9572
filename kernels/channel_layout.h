// How the elements of a tensor's channels lie in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/tensor_view.h"

namespace qcal {

// Strides count elements of the tensor. Dimensions of one channel stand outermost first, merged where one
// continues the other without a gap; there is at least one.
struct ChannelLayout {
  struct Dimension {
    std::int64_t extent = 1;
    std::int64_t stride = 1;
  };

  std::int64_t channels = 1;
  std::int64_t channel_stride = 0;
  std::int64_t elements = 1;  // of one channel
  std::vector<Dimension> dimensions;
};

// `axis`, counted from the end where negative, in [0, rank). Throws InvalidArgument where there is none such.
int checked_channel_axis(int axis, int rank);

// Without an axis the whole tensor is one channel. Throws InvalidArgument for an axis outside [-rank, rank),
// for a negative dimension, for inconsistent strides, and for elements without data.
ChannelLayout channel_layout(const TensorView& view, std::optional<int> channel_axis);

}  // namespace qcal
