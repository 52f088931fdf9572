#include "kernels/batch_results.h"

#include <algorithm>
#include <span>

#include "kernels/gathering.h"
#include "kernels/raw_histogram_cuda.h"

namespace qcal {
namespace {

template <class Value>
Value* at(std::byte* memory, std::size_t offset) {
  return reinterpret_cast<Value*>(memory + offset);
}

// Hands out offsets that suit every type used here.
class Layout {
 public:
  std::size_t add(std::size_t bytes) {
    const std::size_t offset = bytes_;
    bytes_ += (bytes + 15) / 16 * 16;
    return offset;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

}  // namespace

bool is_planned(Binning binning) {
  return binning != Binning::none && binning != Binning::vitis;
}

BatchResults::BatchResults(const CollectSpec& spec, std::int64_t channels, std::int64_t elements,
                           std::int64_t chunks, bool by_patterns)
    : binning_(spec.binning), channels_(channels), elements_(elements), error_sets_(spec.candidates.size()) {
  const auto count = static_cast<std::size_t>(channels);
  const bool planned = is_planned(spec.binning);
  Layout layout;
  layout.add(count * sizeof(DeviceRange));
  counts_ = layout.add(planned ? count * histogram_bins * sizeof(std::uint64_t) : 0);
  errors_ = layout.add(error_sets_ * channel_errors_bytes());
  trees_ = layout.add(error_sets_ * count * diffs_candidates * sizeof(OrderedTree));
  patterns_ = layout.add(by_patterns ? raw_patterns * sizeof(std::uint64_t) : 0);
  zeroed_bytes_ = layout.bytes();
  plans_ = layout.add(count * sizeof(BinPlan));
  specs_ = layout.add(error_sets_ * count * sizeof(ErrorSpec));
  open_ = layout.add(error_sets_ * count * sizeof(OpenChunk));
  chunk_sums_bytes_ = static_cast<std::size_t>(chunks) * diffs_candidates * sizeof(double);
  chunk_sums_ = layout.add(error_sets_ * chunk_sums_bytes_);
  bytes_ = layout.bytes();
}

DeviceRange* BatchResults::ranges(std::byte* memory) const {
  return at<DeviceRange>(memory, 0);
}
std::uint64_t* BatchResults::counts(std::byte* memory) const {
  return at<std::uint64_t>(memory, counts_);
}
BinPlan* BatchResults::plans(std::byte* memory) const {
  return at<BinPlan>(memory, plans_);
}
std::uint64_t* BatchResults::patterns(std::byte* memory) const {
  return at<std::uint64_t>(memory, patterns_);
}
CandidateErrors* BatchResults::errors(std::byte* memory, std::size_t set) const {
  return at<CandidateErrors>(memory, errors_ + set * channel_errors_bytes());
}

ErrorState BatchResults::error_state(std::byte* memory, std::size_t set) const {
  const std::size_t first = set * static_cast<std::size_t>(channels_);
  ErrorState state;
  state.specs = at<ErrorSpec>(memory, specs_) + first;
  state.open = at<OpenChunk>(memory, open_) + first;
  state.trees = at<OrderedTree>(memory, trees_) + first * diffs_candidates;
  state.chunk_sums = at<double>(memory, chunk_sums_ + set * chunk_sums_bytes_);
  return state;
}

std::vector<ValueRange> BatchResults::ranges_in(const std::byte* results) const {
  const std::span gathered(reinterpret_cast<const DeviceRange*>(results),
                           static_cast<std::size_t>(channels_));
  std::vector<ValueRange> ranges;
  ranges.reserve(gathered.size());
  for (const DeviceRange& range : gathered) ranges.push_back(value_range(range, elements()));
  return ranges;
}

std::vector<ChannelSummary> BatchResults::summaries_in(const std::byte* results) const {
  const std::vector<ValueRange> ranges = ranges_in(results);
  const auto* counts = reinterpret_cast<const std::uint64_t*>(results + counts_);
  const auto* errors = reinterpret_cast<const CandidateErrors*>(results + errors_);
  std::vector<ChannelSummary> summaries(ranges.size());
  for (std::size_t channel = 0; channel < ranges.size(); ++channel) {
    ChannelSummary& summary = summaries[channel];
    summary.range = ranges[channel];
    if (is_planned(binning_)) {
      summary.histogram = empty_histogram(ranges[channel], binning_);
      std::copy_n(counts + channel * histogram_bins, summary.histogram.counts.size(),
                  summary.histogram.counts.begin());
    }
    for (std::size_t set = 0; set < error_sets_; ++set) {
      summary.errors.push_back(errors[set * ranges.size() + channel]);
    }
  }
  return summaries;
}

}  // namespace qcal
