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
  std::int64_t elements() const { return elements_; }  // of one channel

  // Whether the elements of a channel lie farther apart than its neighbours' (channels last): reading one
  // channel from end to end then fetches them all.
  bool interleaved() const;
  // Elements [begin, begin + count) of every channel.
  ChannelReader part(std::int64_t begin, std::int64_t count) const;

  // Elements [begin, begin + count) of `channel`, where they lie together in the tensor as float32.
  std::optional<std::span<const float>> in_place(std::int64_t channel, std::int64_t begin,
                                                 std::int64_t count) const;
  // Elements [begin, begin + count) of `channel`. Points into the tensor where that is possible, else into
  // `scratch` (room for `count`).
  std::span<const float> read(std::int64_t channel, std::int64_t begin, std::int64_t count,
                              float* scratch) const;

  // Everything, the elements of a channel together, those of the next one `row` further on. Where channels
  // are interleaved this fetches each cache line once, read() once a channel.
  void read_together(float* to, std::int64_t row) const;

 private:
  const unsigned char* address(std::int64_t channel, std::int64_t element) const;

  const unsigned char* data_;
  DType dtype_;
  ChannelLayout layout_;
  std::int64_t first_ = 0;  // element of the layout
  std::int64_t elements_;
};

}  // namespace qcal
