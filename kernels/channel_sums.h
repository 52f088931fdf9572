// Ordered sums over one channel whose elements arrive in pieces: the same bits however it is cut.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kernels/channel_reader.h"
#include "kernels/ordered_sum_math.h"

namespace qcal {

// Computes `terms` quantities for each chunk of `values` (ordered_sum_chunk of them, the last may have
// fewer).
template <int terms>
using ChunkSums = std::function<void(std::span<const float> values, std::array<double, terms>* sums)>;

// Of the quantities that `chunk_sums` computes.
template <int terms>
class ChannelSums {
 public:
  using Totals = std::array<double, terms>;

  explicit ChannelSums(ChunkSums<terms> chunk_sums) : chunk_sums_(std::move(chunk_sums)) {}

  // The next elements: all that `reader` has of `channel`. Parallel over segments of large ones, in the
  // calling thread's oneTBB arena.
  void add(const ChannelReader& reader, std::int64_t channel);

  // What was added so far of one term, which `chunk_sums` alone computes of what comes.
  ChannelSums<1> alone(std::size_t term, ChunkSums<1> chunk_sums) const;

  // Of everything added so far.
  Totals total() const;

 private:
  template <int>
  friend class ChannelSums;
  using Trees = std::array<OrderedTree, terms>;

  static Totals totals(const Trees& trees);
  void add_to(Trees& trees, std::span<const float> values) const;
  void add_chunks(std::span<const float> values);

  ChunkSums<terms> chunk_sums_;
  Trees trees_;
  std::int64_t chunks_ = 0;
  std::vector<float> rest_;  // less than a chunk
};

}  // namespace qcal
