// Reads a tensor channel by channel as float32, whatever its dtype, strides and alignment.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "kernels/channel_layout.h"

namespace qcal {

// Without an axis the whole tensor is one channel. Elements of a channel come in logical (C) order of the
// tensor. float64 is rounded to float32, the 16-bit types are widened exactly. The view's memory must be host
// memory and outlive the reader. Throws InvalidArgument for an axis outside [-rank, rank), for a negative
// dimension and for inconsistent strides.
class ChannelReader {
 public:
  ChannelReader(const TensorView& view, std::optional<int> channel_axis);

  std::int64_t channels() const { return layout_.channels; }
  std::int64_t elements() const { return layout_.elements; }  // of one channel

  // Elements [begin, begin + count) of `channel`. Points into the tensor where that is possible, else into
  // `scratch` (room for `count`).
  std::span<const float> read(std::int64_t channel, std::int64_t begin, std::int64_t count,
                              float* scratch) const;

 private:
  const unsigned char* address(std::int64_t offset) const;

  const unsigned char* data_;
  DType dtype_;
  ChannelLayout layout_;
};

}  // namespace qcal
