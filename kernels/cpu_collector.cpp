#include "kernels/cpu_collector.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>

#include <algorithm>
#include <memory>

#include "kernels/channel_blocks.h"
#include "kernels/channel_sums.h"
#include "kernels/cheapest_errors.h"
#include "kernels/gathering.h"
#include "kernels/moments.h"
#include "kernels/ordered_sum_math.h"
#include "kernels/statistics.h"
#include "kernels/vitis_histogram.h"

namespace qcal {
namespace {

std::int64_t segments_of(std::int64_t elements) {
  return (elements + segment_elements - 1) / segment_elements;
}

// Segments that a task is not split below: its counters cost as much as counting some thousand values.
constexpr std::size_t fewest_segments = 4;

// Folds work(values, accumulator) over a channel, in blocks of that size where elements do not lie together.
// `join` must be exact and order-free.
template <std::int64_t block, class Value, class Work, class Join>
Value fold_channel(const ChannelReader& reader, std::int64_t channel, const Value& identity, const Work& work,
                   const Join& join) {
  const auto fold = [&](const tbb::blocked_range<std::int64_t>& part, Value value) {
    const std::int64_t end = std::min(part.end() * segment_elements, reader.elements());
    for_each_span<block>(reader, channel, part.begin() * segment_elements, end,
                         [&](std::span<const float> values) { work(values, value); });
    return value;
  };
  const tbb::blocked_range<std::int64_t> all(0, segments_of(reader.elements()), fewest_segments);
  if (!all.is_divisible()) return fold(all, identity);  // a task would take longer than so few elements do
  return tbb::parallel_reduce(all, identity, fold, join);
}

ValueRange channel_range(const ChannelReader& reader, std::int64_t channel) {
  return fold_channel<block_elements>(
      reader, channel, ValueRange{},
      [](std::span<const float> values, ValueRange& range) { range = merge(range, range_of(values)); },
      [](const ValueRange& a, const ValueRange& b) { return merge(a, b); });
}

// count(values, counts) adds a block to `bins` counters.
template <class Count>
std::vector<std::uint64_t> channel_counts(const ChannelReader& reader, std::int64_t channel, std::size_t bins,
                                          const Count& count) {
  using Counts = std::vector<std::uint64_t>;
  Counts counts = fold_channel<segment_elements>(
      reader, channel, Counts{},
      [&](std::span<const float> values, Counts& into) {
        into.resize(bins);
        count(values, into);
      },
      [](Counts a, const Counts& b) {
        a.resize(std::max(a.size(), b.size()));
        for (std::size_t i = 0; i < b.size(); ++i) a[i] += b[i];
        return a;
      });
  counts.resize(bins);
  return counts;
}

// Adds what `reader` has of the channel to a histogram with such bins.
void count_into(Histogram& histogram, const ChannelReader& reader, std::int64_t channel, Binning binning) {
  if (histogram.counts.empty()) return;
  const Counted counted = counted_by(binning);
  std::vector<std::uint64_t> counts;
  if (is_dyadic(binning)) {
    const int exponent = binary_exponent(histogram.width);
    const auto first = static_cast<std::int64_t>(histogram.origin / histogram.width);
    counts = channel_counts(reader, channel, histogram.counts.size(),
                            [&](std::span<const float> values, std::span<std::uint64_t> into) {
                              count_dyadic(values, exponent, first, counted, into);
                            });
  } else {
    const LinearBins grid =
        linear_bins(static_cast<float>(histogram.low), static_cast<float>(histogram.high));
    counts = channel_counts(reader, channel, histogram.counts.size(),
                            [&](std::span<const float> values, std::span<std::uint64_t> into) {
                              count_linear(values, grid, counted, into);
                            });
  }
  for (std::size_t i = 0; i < counts.size(); ++i) histogram.counts[i] += counts[i];
}

// A batch, channel by channel.
class ChannelsOf {
 public:
  ChannelsOf(const TensorParts& batch, std::optional<int> axis) : batch_(batch) {
    if (!axis) return;
    axis_ = checked_channel_axis(*axis, static_cast<int>(batch.shape().size()));
    count_ =
        static_cast<std::size_t>(std::max<std::int64_t>(batch.shape()[static_cast<std::size_t>(*axis_)], 0));
  }

  std::size_t count() const { return count_; }
  // Whether for_each() visits each channel once.
  bool whole() const {
    bool once = batch_.whole();
    if (!once || !axis_) return once;
    batch_.for_each([&](const TensorPart& part) {
      const ChannelReader reader(part.view, axis_);
      once = elements_at_once(reader) >= reader.elements();
    });
    return once;
  }

  // Calls work(reader, channel in the reader, channel) for every channel of every part, in parallel within a
  // part; where channels are interleaved, for some elements of all of them, then for the next.
  template <class Work>
  void for_each(const Work& work) const {
    batch_.for_each([&](const TensorPart& part) {
      const ChannelReader reader(part.view, axis_);
      const std::int64_t first = axis_ ? part.origin[static_cast<std::size_t>(*axis_)] : 0;
      const auto work_on_all = [&](const ChannelReader& elements) {
        tbb::parallel_for(std::int64_t{0}, elements.channels(), [&](std::int64_t channel) {
          work(elements, channel, static_cast<std::size_t>(first + channel));
        });
      };
      if (!reader.interleaved()) return work_on_all(reader);
      const std::int64_t step = elements_at_once(reader);
      std::int64_t at = 0;
      do {  // once for a part without elements, too
        with_channels_together(reader.part(at, std::min(step, reader.elements() - at)), work_on_all);
        at += step;
      } while (at < reader.elements());
    });
  }

 private:
  // Calls work(reader of the same elements) with the values of each channel together.
  template <class Work>
  static void with_channels_together(const ChannelReader& reader, const Work& work) {
    constexpr std::int64_t line = 16;  // values
    constexpr std::int64_t run = 256;  // elements that a task moves
    // A power of two apart, channels would contend for the same places in the first-level cache.
    const std::int64_t row = (reader.elements() + line - 1) / line * line + line;
    const auto values =
        std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(reader.channels() * row));
    tbb::parallel_for(std::int64_t{0}, (reader.elements() + run - 1) / run, [&](std::int64_t task) {
      const std::int64_t begin = task * run;
      const ChannelReader elements = reader.part(begin, std::min(run, reader.elements() - begin));
      elements.read_together(values.get() + begin, row);
    });
    const TensorView view{
        values.get(), DType::f32, {reader.channels(), reader.elements()}, Memory::host, {row, 1}};
    work(ChannelReader(view, 0));
  }

  // Of interleaved channels so many that all of them stay in the second-level cache.
  static std::int64_t elements_at_once(const ChannelReader& reader) {
    constexpr std::int64_t cached_elements = 1 << 17;
    if (!reader.interleaved()) return std::max<std::int64_t>(reader.elements(), 1);
    return std::max(cached_elements / reader.channels() / ordered_sum_chunk, std::int64_t{1}) *
           ordered_sum_chunk;
  }

  const TensorParts& batch_;
  std::optional<int> axis_;
  std::size_t count_ = 1;
};

class CpuCollector final : public Collector {
 public:
  explicit CpuCollector(const CollectSpec& spec) : spec_(spec), gathering_(spec) {}

  void collect(const TensorParts& batch, Stream) override {
    const ChannelsOf channels(batch, spec_.channel_axis);
    gathering_.expect_channels(channels.count());
    std::vector<ValueRange> ranges(channels.count());
    channels.for_each([&](const ChannelReader& reader, std::int64_t channel, std::size_t at) {
      ranges[at] = merge(ranges[at], channel_range(reader, channel));
    });
    if (!gathering_.enter(ranges)) return;
    std::vector<ChannelSummary> summaries(ranges.size());
    for (std::size_t at = 0; at < ranges.size(); ++at) summaries[at].range = ranges[at];
    gather_histograms(channels, summaries);
    gather_errors(channels, summaries);
    gather_moments(channels, summaries);
    gathering_.add(std::move(summaries));
  }

  std::vector<Summary> take_all(Wait) override { return gathering_.take(); }

  void resume(Summary earlier) override { gathering_.resume(std::move(earlier)); }

 private:
  void gather_histograms(const ChannelsOf& channels, std::vector<ChannelSummary>& summaries) const {
    if (spec_.binning == Binning::none) return;
    if (spec_.binning == Binning::vitis) return gather_vitis(channels, summaries);
    for (ChannelSummary& summary : summaries) {
      summary.histogram = empty_histogram(summary.range, spec_.binning);
    }
    channels.for_each([&](const ChannelReader& reader, std::int64_t channel, std::size_t at) {
      count_into(summaries[at].histogram, reader, channel, spec_.binning);
    });
  }

  void gather_vitis(const ChannelsOf& channels, std::vector<ChannelSummary>& summaries) const {
    for (std::size_t wanted = 0; wanted < summaries.size(); ++wanted) {
      const auto count = [&](const LinearBins& grid, std::uint64_t* counts) {
        channels.for_each([&](const ChannelReader& reader, std::int64_t channel, std::size_t at) {
          if (at != wanted) return;
          const std::vector<std::uint64_t> counted =
              channel_counts(reader, channel, static_cast<std::size_t>(grid.bins),
                             [&](std::span<const float> values, std::span<std::uint64_t> into) {
                               count_linear(values, grid, Counted::magnitude, into);
                             });
          for (std::size_t i = 0; i < counted.size(); ++i) counts[i] += counted[i];
        });
      };
      summaries[wanted].histogram =
          vitis_accumulate(gathering_.histogram(wanted), summaries[wanted].range, count);
    }
  }

  void gather_errors(const ChannelsOf& channels, std::vector<ChannelSummary>& summaries) const {
    for (const CandidateSpec& candidates : spec_.candidates) {
      if (spec_.only_cheapest && channels.whole()) {
        channels.for_each([&](const ChannelReader& reader, std::int64_t channel, std::size_t at) {
          const ErrorSpec errors = error_spec(candidates, summaries[at].range);
          summaries[at].errors.push_back(cheapest_errors(reader, channel, errors));
        });
        continue;
      }
      const auto sums_of = [&](const ChannelSummary& summary) {
        const ErrorSpec errors = error_spec(candidates, summary.range);
        return [errors](std::span<const float> values, CandidateErrors* sums) {
          chunk_errors(values, errors, sums);
        };
      };
      sum_channels<diffs_candidates>(
          channels, summaries, sums_of, [&](ChannelSummary& summary, const CandidateErrors& squared_steps) {
            summary.errors.push_back(weighted_errors(squared_steps, error_spec(candidates, summary.range)));
          });
    }
  }

  void gather_moments(const ChannelsOf& channels, std::vector<ChannelSummary>& summaries) const {
    if (!spec_.moments) return;
    sum_channels<moment_terms>(
        channels, summaries, [](const ChannelSummary&) { return chunk_moments; },
        [](ChannelSummary& summary, const std::array<double, moment_terms>& sums) {
          summary.moments = {sums[0], sums[1]};
        });
  }

  // keep(summary, totals) of what sums_of(summary) adds up over each channel.
  template <int terms, class SumsOf, class Keep>
  static void sum_channels(const ChannelsOf& channels, std::vector<ChannelSummary>& summaries,
                           const SumsOf& sums_of, const Keep& keep) {
    if (channels.whole()) {  // sums need not outlive their channel
      channels.for_each([&](const ChannelReader& reader, std::int64_t channel, std::size_t at) {
        ChannelSums<terms> sums(sums_of(summaries[at]));
        sums.add(reader, channel);
        keep(summaries[at], sums.total());
      });
      return;
    }
    std::vector<ChannelSums<terms>> sums;
    for (const ChannelSummary& summary : summaries) sums.emplace_back(sums_of(summary));
    channels.for_each([&](const ChannelReader& reader, std::int64_t channel, std::size_t at) {
      sums[at].add(reader, channel);
    });
    for (std::size_t at = 0; at < sums.size(); ++at) keep(summaries[at], sums[at].total());
  }

  CollectSpec spec_;
  Gathering gathering_;
};

}  // namespace

std::unique_ptr<Collector> make_cpu_collector(const CollectSpec& spec) {
  return std::make_unique<CpuCollector>(spec);
}

}  // namespace qcal
