// Squared errors of one channel whose elements arrive in pieces: the same bits however it is cut.
#pragma once

#include <array>
#include <vector>

#include "kernels/channel_reader.h"
#include "kernels/scale_error.h"

namespace qcal {

class ChannelErrors {
 public:
  explicit ChannelErrors(const ErrorSpec& spec) : spec_(spec) {}

  // The next elements: all that `reader` has of `channel`. Parallel over segments of large ones, in the
  // calling thread's oneTBB arena.
  void add(const ChannelReader& reader, std::int64_t channel);

  // Of everything added so far.
  CandidateErrors total() const;

 private:
  void add_chunks(std::span<const float> values);

  ErrorSpec spec_;
  std::array<OrderedTree, diffs_candidates> trees_;
  std::int64_t chunks_ = 0;
  std::vector<float> rest_;  // less than a chunk
};

}  // namespace qcal
