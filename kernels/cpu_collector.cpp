#include "kernels/cpu_collector.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>

#include <algorithm>
#include <string>

#include "kernels/channel_blocks.h"
#include "kernels/channel_errors.h"
#include "kernels/error.h"
#include "kernels/statistics.h"
#include "kernels/vitis_histogram.h"

namespace qcal {
namespace {

std::int64_t segments_of(std::int64_t elements) {
  return (elements + segment_elements - 1) / segment_elements;
}

// Folds work(values, accumulator) over a channel. `join` must be exact and order-free.
template <class Value, class Work, class Join>
Value fold_channel(const ChannelReader& reader, std::int64_t channel, const Value& identity, const Work& work,
                   const Join& join) {
  return tbb::parallel_reduce(
      tbb::blocked_range<std::int64_t>(0, segments_of(reader.elements())), identity,
      [&](const tbb::blocked_range<std::int64_t>& part, Value value) {
        const std::int64_t end = std::min(part.end() * segment_elements, reader.elements());
        for_each_block(reader, channel, part.begin() * segment_elements, end,
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

Counted counted_by(Binning binning) {
  const bool magnitude = binning == Binning::linear_magnitude || binning == Binning::dyadic_magnitude;
  return magnitude ? Counted::magnitude : Counted::value;
}

bool is_dyadic(Binning binning) {
  return binning == Binning::dyadic_magnitude || binning == Binning::dyadic_value;
}

// The bins of a batch of that range, nothing counted yet. vai_q_pytorch's bins depend on earlier batches and
// are made elsewhere.
Histogram empty_histogram(const ValueRange& range, Binning binning) {
  if (binning == Binning::none || binning == Binning::vitis) return {};
  return is_dyadic(binning) ? dyadic_histogram(range, counted_by(binning))
                            : linear_histogram(range, counted_by(binning));
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
                            [&](std::span<const float> values, std::uint64_t* into) {
                              count_dyadic(values, exponent, first, counted, into);
                            });
  } else {
    const LinearBins grid =
        linear_bins(static_cast<float>(histogram.low), static_cast<float>(histogram.high));
    counts = channel_counts(reader, channel, histogram.counts.size(),
                            [&](std::span<const float> values, std::uint64_t* into) {
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
  bool whole() const { return batch_.whole(); }

  // Calls work(reader, channel in the reader, channel) for every channel of every part, in parallel within a
  // part.
  template <class Work>
  void for_each(const Work& work) const {
    batch_.for_each([&](const TensorPart& part) {
      const ChannelReader reader(part.view, axis_);
      const std::int64_t first = axis_ ? part.origin[static_cast<std::size_t>(*axis_)] : 0;
      tbb::parallel_for(std::int64_t{0}, reader.channels(), [&](std::int64_t channel) {
        work(reader, channel, static_cast<std::size_t>(first + channel));
      });
    });
  }

 private:
  const TensorParts& batch_;
  std::optional<int> axis_;
  std::size_t count_ = 1;
};

class CpuCollector final : public Collector {
 public:
  explicit CpuCollector(const CollectSpec& spec) : spec_(spec) {
    if (spec.accumulate && !spec.candidates.empty()) {
      throw InvalidArgument(
          "squared errors of single batches cannot be accumulated: their candidates differ");
    }
  }

  void collect(const TensorParts& batch, Stream) override {
    const ChannelsOf channels(batch, spec_.channel_axis);
    if (!gathered_.channels.empty() && gathered_.channels.size() != channels.count()) {
      throw InvalidArgument("this batch has " + std::to_string(channels.count()) +
                            " channels, earlier ones had " + std::to_string(gathered_.channels.size()));
    }
    std::vector<ValueRange> ranges(channels.count());
    channels.for_each([&](const ChannelReader& reader, std::int64_t channel, std::size_t at) {
      ranges[at] = merge(ranges[at], channel_range(reader, channel));
    });
    std::uint64_t elements = 0;
    std::uint64_t non_finite = 0;
    for (const ValueRange& range : ranges) {
      elements += range.elements;
      non_finite += range.non_finite;
    }
    gathered_.elements += elements;
    gathered_.non_finite += non_finite;
    const std::int64_t call = calls_++;
    if (non_finite > 0 && spec_.non_finite != NonFinite::ignore) {
      gathered_.left_out.push_back({call, non_finite});
      return;
    }
    if (non_finite == elements) return;  // empty, or no finite value to use
    if (gathered_.channels.empty()) gathered_.channels.resize(channels.count());
    ++gathered_.batches;
    gather_histograms(channels, ranges);
    gather_errors(channels, ranges);
    for (std::size_t at = 0; at < ranges.size(); ++at) {
      gathered_.channels[at].range = merge(gathered_.channels[at].range, ranges[at]);
    }
  }

  Summary take() override {
    if (spec_.accumulate) return gathered_;
    Summary taken;
    std::swap(taken, gathered_);
    return taken;
  }

 private:
  void gather_histograms(const ChannelsOf& channels, const std::vector<ValueRange>& ranges) {
    if (spec_.binning == Binning::none) return;
    if (spec_.binning == Binning::vitis) return gather_vitis(channels, ranges);
    std::vector<Histogram> histograms;
    for (const ValueRange& range : ranges) histograms.push_back(empty_histogram(range, spec_.binning));
    channels.for_each([&](const ChannelReader& reader, std::int64_t channel, std::size_t at) {
      count_into(histograms[at], reader, channel, spec_.binning);
    });
    for (std::size_t at = 0; at < histograms.size(); ++at) {
      Histogram& gathered = gathered_.channels[at].histogram;
      gathered = is_dyadic(spec_.binning) ? merge(gathered, histograms[at]) : std::move(histograms[at]);
    }
  }

  void gather_vitis(const ChannelsOf& channels, const std::vector<ValueRange>& ranges) {
    for (std::size_t wanted = 0; wanted < ranges.size(); ++wanted) {
      Histogram& gathered = gathered_.channels[wanted].histogram;
      gathered =
          vitis_accumulate(gathered, ranges[wanted], [&](const LinearBins& grid, std::uint64_t* counts) {
            channels.for_each([&](const ChannelReader& reader, std::int64_t channel, std::size_t at) {
              if (at != wanted) return;
              const std::vector<std::uint64_t> counted =
                  channel_counts(reader, channel, static_cast<std::size_t>(grid.bins),
                                 [&](std::span<const float> values, std::uint64_t* into) {
                                   count_linear(values, grid, Counted::magnitude, into);
                                 });
              for (std::size_t i = 0; i < counted.size(); ++i) counts[i] += counted[i];
            });
          });
    }
  }

  void gather_errors(const ChannelsOf& channels, const std::vector<ValueRange>& ranges) {
    if (spec_.candidates.empty()) return;
    const auto fresh = [&](std::size_t at) {
      std::vector<ChannelErrors> errors;
      for (const CandidateSpec& candidates : spec_.candidates)
        errors.emplace_back(error_spec(candidates, ranges[at]));
      return errors;
    };
    const auto keep = [&](std::size_t at, const std::vector<ChannelErrors>& errors) {
      std::vector<CandidateErrors>& totals = gathered_.channels[at].errors;
      totals.clear();
      for (const ChannelErrors& sum : errors) totals.push_back(sum.total());
    };
    if (channels.whole()) {  // sums need not outlive their channel
      channels.for_each([&](const ChannelReader& reader, std::int64_t channel, std::size_t at) {
        std::vector<ChannelErrors> errors = fresh(at);
        for (ChannelErrors& sum : errors) sum.add(reader, channel);
        keep(at, errors);
      });
      return;
    }
    std::vector<std::vector<ChannelErrors>> errors;
    for (std::size_t at = 0; at < ranges.size(); ++at) errors.push_back(fresh(at));
    channels.for_each([&](const ChannelReader& reader, std::int64_t channel, std::size_t at) {
      for (ChannelErrors& sum : errors[at]) sum.add(reader, channel);
    });
    for (std::size_t at = 0; at < errors.size(); ++at) keep(at, errors[at]);
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
