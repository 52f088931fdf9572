// Reads a tensor channel by channel as float32, whatever its dtype, strides and alignment.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/tensor_view.h"

namespace qcal {

// `axis`, counted from the end where negative, in [0, rank). Throws InvalidArgument where there is none such.
int checked_channel_axis(int axis, int rank);

// Without an axis the whole tensor is one channel. Elements of a channel come in logical (C) order of the
// tensor. float64 is rounded to float32, the 16-bit types are widened exactly. The view's memory must be host
// memory and outlive the reader. Throws InvalidArgument for an axis outside [-rank, rank), for a negative
// dimension and for inconsistent strides.
class ChannelReader {
 public:
  ChannelReader(const TensorView& view, std::optional<int> channel_axis);

  std::int64_t channels() const { return channels_; }
  std::int64_t elements() const { return elements_; }  // of one channel

  // Elements [begin, begin + count) of `channel`. Points into the tensor where that is possible, else into
  // `scratch` (room for `count`).
  std::span<const float> read(std::int64_t channel, std::int64_t begin, std::int64_t count,
                              float* scratch) const;

 private:
  struct Dimension {
    std::int64_t extent;
    std::int64_t stride;
  };

  const unsigned char* address(std::int64_t offset) const;

  const unsigned char* data_;
  DType dtype_;
  std::int64_t channels_ = 1;
  std::int64_t channel_stride_ = 0;
  std::int64_t elements_ = 1;
  std::vector<Dimension>
      dimensions_;  // of one channel, outermost first, merged where contiguous; never empty
};

}  // namespace qcal
