#include "kernels/cpu_collector.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>

#include <algorithm>
#include <array>
#include <string>

#include "kernels/channel_reader.h"
#include "kernels/error.h"
#include "kernels/statistics.h"
#include "kernels/vitis_histogram.h"

namespace qcal {
namespace {

// Elements read at a time: several chunks of the ordered sum, small enough for the first-level cache.
constexpr std::int64_t block = 8 * ordered_sum_chunk;
// Unit of parallel work, a whole subtree of the ordered sum.
constexpr int segment_level = 6;
constexpr std::int64_t segment = ordered_sum_chunk << segment_level;

std::int64_t segments_of(std::int64_t elements) {
  return (elements + segment - 1) / segment;
}

// Calls work(values) for consecutive blocks of [begin, end) of a channel.
template <class Work>
void for_each_block(const ChannelReader& reader, std::int64_t channel, std::int64_t begin, std::int64_t end,
                    const Work& work) {
  std::array<float, block> scratch;
  for (std::int64_t at = begin; at < end; at += block) {
    work(reader.read(channel, at, std::min(block, end - at), scratch.data()));
  }
}

// Folds work(values, accumulator) over a channel. `join` must be exact and order-free.
template <class Value, class Work, class Join>
Value fold_channel(const ChannelReader& reader, std::int64_t channel, const Value& identity, const Work& work,
                   const Join& join) {
  return tbb::parallel_reduce(
      tbb::blocked_range<std::int64_t>(0, segments_of(reader.elements())), identity,
      [&](const tbb::blocked_range<std::int64_t>& part, Value value) {
        const std::int64_t end = std::min(part.end() * segment, reader.elements());
        for_each_block(reader, channel, part.begin() * segment, end,
                       [&](std::span<const float> values) { work(values, value); });
        return value;
      },
      join);
}

ValueRange channel_range(const ChannelReader& reader, std::int64_t channel) {
  return fold_channel(
      reader, channel, ValueRange{},
      [](std::span<const float> values, ValueRange& range) { range = merge(range, range_of(values)); },
      [](const ValueRange& a, const ValueRange& b) { return merge(a, b); });
}

// count(values, counts) adds a block to `bins` counters.
template <class Count>
std::vector<std::uint64_t> channel_counts(const ChannelReader& reader, std::int64_t channel, std::size_t bins,
                                          const Count& count) {
  using Counts = std::vector<std::uint64_t>;
  Counts counts = fold_channel(
      reader, channel, Counts{},
      [&](std::span<const float> values, Counts& into) {
        into.resize(bins);
        count(values, into.data());
      },
      [](Counts a, const Counts& b) {
        a.resize(std::max(a.size(), b.size()));
        for (std::size_t i = 0; i < b.size(); ++i) a[i] += b[i];
        return a;
      });
  counts.resize(bins);
  return counts;
}

Histogram channel_histogram(const ChannelReader& reader, std::int64_t channel, const ValueRange& range,
                            Binning binning, const Histogram& before) {
  const bool magnitude = binning == Binning::linear_magnitude || binning == Binning::dyadic_magnitude;
  const Counted counted = magnitude ? Counted::magnitude : Counted::value;
  switch (binning) {
    case Binning::none:
      return {};
    case Binning::linear_magnitude:
    case Binning::linear_value: {
      Histogram histogram = linear_histogram(range, counted);
      if (histogram.counts.empty()) return histogram;
      const LinearBins grid =
          linear_bins(static_cast<float>(histogram.low), static_cast<float>(histogram.high));
      histogram.counts = channel_counts(reader, channel, histogram.counts.size(),
                                        [&](std::span<const float> values, std::uint64_t* counts) {
                                          count_linear(values, grid, counted, counts);
                                        });
      return histogram;
    }
    case Binning::dyadic_magnitude:
    case Binning::dyadic_value: {
      Histogram histogram = dyadic_histogram(range, counted);
      if (histogram.counts.empty()) return histogram;
      const int exponent = binary_exponent(histogram.width);
      const auto first = static_cast<std::int64_t>(histogram.origin / histogram.width);
      histogram.counts = channel_counts(reader, channel, histogram.counts.size(),
                                        [&](std::span<const float> values, std::uint64_t* counts) {
                                          count_dyadic(values, exponent, first, counted, counts);
                                        });
      return histogram;
    }
    case Binning::vitis:
      return vitis_accumulate(before, range, [&](const LinearBins& grid, std::uint64_t* counts) {
        const std::vector<std::uint64_t> counted_bins =
            channel_counts(reader, channel, static_cast<std::size_t>(grid.bins),
                           [&](std::span<const float> values, std::uint64_t* into) {
                             count_linear(values, grid, Counted::magnitude, into);
                           });
        std::copy(counted_bins.begin(), counted_bins.end(), counts);
      });
  }
  return {};
}

CandidateErrors channel_errors(const ChannelReader& reader, std::int64_t channel,
                               const CandidateSpec& candidates, const ValueRange& range) {
  const ErrorSpec spec = error_spec(candidates, range);
  std::vector<std::vector<CandidateErrors>> nodes(static_cast<std::size_t>(segments_of(reader.elements())));
  tbb::parallel_for(std::int64_t{0}, segments_of(reader.elements()), [&](std::int64_t index) {
    const std::int64_t end = std::min((index + 1) * segment, reader.elements());
    const bool whole = end == (index + 1) * segment;
    std::array<OrderedTree, diffs_candidates> trees;
    std::vector<CandidateErrors>& out = nodes[static_cast<std::size_t>(index)];
    for_each_block(reader, channel, index * segment, end, [&](std::span<const float> values) {
      for (std::size_t at = 0; at < values.size(); at += ordered_sum_chunk) {
        const std::size_t count = std::min<std::size_t>(ordered_sum_chunk, values.size() - at);
        const CandidateErrors errors = chunk_errors(values.subspan(at, count), spec);
        if (!whole) out.push_back(errors);
        for (std::size_t k = 0; k < errors.size(); ++k) trees[k].add(errors[k]);
      }
    });
    if (!whole) return;
    CandidateErrors totals;
    for (std::size_t k = 0; k < totals.size(); ++k) totals[k] = trees[k].total();
    out.assign(1, totals);
  });
  CandidateErrors sums;
  for (std::size_t k = 0; k < sums.size(); ++k) {
    OrderedTree tree;
    for (std::size_t index = 0; index < nodes.size(); ++index) {
      const bool whole = static_cast<std::int64_t>(index + 1) * segment <= reader.elements();
      for (const CandidateErrors& node : nodes[index]) tree.add(node[k], whole ? segment_level : 0);
    }
    sums[k] = tree.total();
  }
  return sums;
}

class CpuCollector final : public Collector {
 public:
  explicit CpuCollector(const CollectSpec& spec) : spec_(spec) {
    if (spec.accumulate && !spec.candidates.empty()) {
      throw InvalidArgument(
          "squared errors of single batches cannot be accumulated: their candidates differ");
    }
  }

  void collect(const TensorView& batch, Stream) override {
    const ChannelReader reader(batch, spec_.channel_axis);
    const auto channels = static_cast<std::size_t>(reader.channels());
    if (!gathered_.channels.empty() && gathered_.channels.size() != channels) {
      throw InvalidArgument("this batch has " + std::to_string(channels) + " channels, earlier ones had " +
                            std::to_string(gathered_.channels.size()));
    }
    std::vector<ValueRange> ranges(channels);
    tbb::parallel_for(std::size_t{0}, channels, [&](std::size_t channel) {
      ranges[channel] = channel_range(reader, static_cast<std::int64_t>(channel));
    });
    std::uint64_t non_finite = 0;
    for (const ValueRange& range : ranges) {
      gathered_.elements += range.elements;
      non_finite += range.non_finite;
    }
    gathered_.non_finite += non_finite;
    const std::int64_t call = calls_++;
    if (non_finite > 0 && spec_.non_finite != NonFinite::ignore) {
      gathered_.left_out.push_back({call, non_finite});
      return;
    }
    if (non_finite == static_cast<std::uint64_t>(batch.size())) return;  // empty, or no finite value to use
    if (gathered_.channels.empty()) gathered_.channels.resize(channels);
    ++gathered_.batches;
    tbb::parallel_for(std::size_t{0}, channels, [&](std::size_t channel) {
      add_batch(reader, static_cast<std::int64_t>(channel), ranges[channel], gathered_.channels[channel]);
    });
  }

  Summary take() override {
    if (spec_.accumulate) return gathered_;
    Summary taken;
    std::swap(taken, gathered_);
    return taken;
  }

 private:
  void add_batch(const ChannelReader& reader, std::int64_t channel, const ValueRange& range,
                 ChannelSummary& into) const {
    Histogram histogram = channel_histogram(reader, channel, range, spec_.binning, into.histogram);
    const bool dyadic = spec_.binning == Binning::dyadic_magnitude || spec_.binning == Binning::dyadic_value;
    into.histogram = dyadic ? merge(into.histogram, histogram) : std::move(histogram);
    into.range = merge(into.range, range);
    into.errors.clear();
    for (const CandidateSpec& candidates : spec_.candidates) {
      into.errors.push_back(channel_errors(reader, channel, candidates, range));
    }
  }

  CollectSpec spec_;
  Summary gathered_;
  std::int64_t calls_ = 0;
};

}  // namespace

std::unique_ptr<Collector> make_cpu_collector(const CollectSpec& spec) {
  return std::make_unique<CpuCollector>(spec);
}

Summary merge(const Summary& a, const Summary& b, Binning binning) {
  Summary both = a.channels.empty() ? b : a;
  both.batches = a.batches + b.batches;
  both.elements = a.elements + b.elements;
  both.non_finite = a.non_finite + b.non_finite;
  both.left_out = a.left_out;
  both.left_out.insert(both.left_out.end(), b.left_out.begin(), b.left_out.end());
  if (a.channels.empty() || b.channels.empty()) return both;
  if (binning != Binning::none && binning != Binning::dyadic_magnitude && binning != Binning::dyadic_value) {
    throw InvalidArgument("these histograms depend on the order of their batches and cannot be merged");
  }
  if (a.channels.size() != b.channels.size()) {
    throw InvalidArgument("cannot merge " + std::to_string(a.channels.size()) + " channels with " +
                          std::to_string(b.channels.size()));
  }
  for (std::size_t i = 0; i < both.channels.size(); ++i) {
    both.channels[i].range = merge(a.channels[i].range, b.channels[i].range);
    both.channels[i].histogram = merge(a.channels[i].histogram, b.channels[i].histogram);
  }
  return both;
}

}  // namespace qcal
