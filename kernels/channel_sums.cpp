#include "kernels/channel_sums.h"

#include <tbb/parallel_for.h>

#include <algorithm>

#include "kernels/candidate_scales_math.h"
#include "kernels/channel_blocks.h"
#include "kernels/moments_math.h"

namespace qcal {

// Adds the chunks of `values`, the last of which may be short.
template <int terms>
void ChannelSums<terms>::add_to(Trees& trees, std::span<const float> values) const {
  constexpr std::size_t most_chunks = 16;
  constexpr std::size_t most_values = most_chunks * ordered_sum_chunk;
  std::array<Totals, most_chunks> sums;
  for (std::size_t at = 0; at < values.size(); at += most_values) {
    const std::size_t count = std::min(most_values, values.size() - at);
    chunk_sums_(values.subspan(at, count), sums.data());
    const std::size_t chunks = (count + ordered_sum_chunk - 1) / ordered_sum_chunk;
    for (std::size_t c = 0; c < chunks; ++c) {
      for (std::size_t k = 0; k < trees.size(); ++k) trees[k].add(sums[c][k]);
    }
  }
}

template <int terms>
auto ChannelSums<terms>::totals(const Trees& trees) -> Totals {
  Totals sums;
  for (std::size_t k = 0; k < sums.size(); ++k) sums[k] = trees[k].total();
  return sums;
}

template <int terms>
void ChannelSums<terms>::add_chunks(std::span<const float> values) {
  add_to(trees_, values);
  chunks_ += static_cast<std::int64_t>(values.size()) / ordered_sum_chunk;
}

template <int terms>
void ChannelSums<terms>::add(const ChannelReader& reader, std::int64_t channel) {
  const std::int64_t size = reader.elements();
  std::int64_t at = 0;
  const auto keep = [&](std::int64_t count) {
    for_each_block(reader, channel, at, at + count, [&](std::span<const float> values) {
      rest_.insert(rest_.end(), values.begin(), values.end());
    });
    at += count;
  };
  const auto one_by_one = [&](std::int64_t chunks) {
    const std::int64_t end = at + chunks * ordered_sum_chunk;
    for_each_span(reader, channel, at, end, [&](std::span<const float> values) { add_chunks(values); });
    at = end;
  };

  if (!rest_.empty()) {
    keep(std::min(ordered_sum_chunk - static_cast<std::int64_t>(rest_.size()), size));
    if (static_cast<std::int64_t>(rest_.size()) < ordered_sum_chunk) return;
    add_chunks(rest_);
    rest_.clear();
  }
  // A segment is a subtree, and starts where subtrees of its size start.
  constexpr std::int64_t segment_chunks = segment_elements / ordered_sum_chunk;
  const std::int64_t to_segment = (segment_chunks - chunks_ % segment_chunks) % segment_chunks;
  one_by_one(std::min(to_segment, (size - at) / ordered_sum_chunk));

  const std::int64_t segments = (size - at) / segment_elements;
  std::vector<Totals> sums(static_cast<std::size_t>(segments));
  tbb::parallel_for(std::int64_t{0}, segments, [&](std::int64_t index) {
    Trees trees;
    const std::int64_t begin = at + index * segment_elements;
    for_each_span(reader, channel, begin, begin + segment_elements,
                  [&](std::span<const float> values) { add_to(trees, values); });
    sums[static_cast<std::size_t>(index)] = totals(trees);
  });
  for (const Totals& sum : sums) {
    for (std::size_t k = 0; k < sum.size(); ++k) trees_[k].add(sum[k], segment_level);
  }
  chunks_ += segments * segment_chunks;
  at += segments * segment_elements;

  one_by_one((size - at) / ordered_sum_chunk);
  keep(size - at);
}

template <int terms>
ChannelSums<1> ChannelSums<terms>::alone(std::size_t term, ChunkSums<1> chunk_sums) const {
  ChannelSums<1> one(std::move(chunk_sums));
  one.trees_ = {trees_[term]};
  one.chunks_ = chunks_;
  one.rest_ = rest_;
  return one;
}

template <int terms>
auto ChannelSums<terms>::total() const -> Totals {
  Trees trees = trees_;
  add_to(trees, rest_);
  return totals(trees);
}

template class ChannelSums<1>;
template class ChannelSums<diffs_candidates>;
template class ChannelSums<moment_terms>;

}  // namespace qcal
