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
    : binning_(spec.binning),
      channels_(channels),
      elements_(elements),
      candidates_(spec.candidates),
      has_moments_(spec.moments),
      error_sums_(candidates_.size()) {
  const auto count = static_cast<std::size_t>(channels);
  Layout layout;
  layout.add(count * sizeof(DeviceRange));
  counts_ = layout.add(is_planned(spec.binning) ? count * histogram_bins * sizeof(std::uint64_t) : 0);
  errors_ = layout.add(candidates_.size() * count * sizeof(CandidateErrors));
  moments_ = layout.add(has_moments_ ? count * sizeof(Moments) : 0);
  result_bytes_ = layout.bytes();
  const auto for_each_sums = [&](const auto& visit) {
    for (Sums& sums : error_sums_) visit(sums, diffs_candidates);
    if (has_moments_) visit(moment_sums_, moment_terms);
  };
  for_each_sums(
      [&](Sums& sums, std::size_t terms) { sums.trees = layout.add(count * terms * sizeof(OrderedTree)); });
  patterns_ = layout.add(by_patterns ? raw_patterns * sizeof(std::uint64_t) : 0);
  zeroed_bytes_ = layout.bytes();
  plans_ = layout.add(count * sizeof(BinPlan));
  specs_ = layout.add(candidates_.size() * count * sizeof(ErrorSpec));
  for_each_sums([&](Sums& sums, std::size_t terms) {
    sums.open = layout.add(count * terms * ordered_sum_lanes * sizeof(float));
    sums.next_open = layout.add(count * terms * ordered_sum_lanes * sizeof(float));
    sums.chunk_sums = layout.add(static_cast<std::size_t>(chunks) * terms * sizeof(double));
  });
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
  return at<CandidateErrors>(memory, errors_) + set * static_cast<std::size_t>(channels_);
}
Moments* BatchResults::moments(std::byte* memory) const {
  return at<Moments>(memory, moments_);
}
ErrorSpec* BatchResults::specs(std::byte* memory, std::size_t set) const {
  return at<ErrorSpec>(memory, specs_) + set * static_cast<std::size_t>(channels_);
}

OrderedSumState BatchResults::state(std::byte* memory, const Sums& sums) const {
  return {at<float>(memory, sums.open), at<float>(memory, sums.next_open),
          at<OrderedTree>(memory, sums.trees), at<double>(memory, sums.chunk_sums)};
}
OrderedSumState BatchResults::error_sums(std::byte* memory, std::size_t set) const {
  return state(memory, error_sums_[set]);
}
OrderedSumState BatchResults::moment_sums(std::byte* memory) const {
  return state(memory, moment_sums_);
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
  const auto* moments = reinterpret_cast<const Moments*>(results + moments_);
  std::vector<ChannelSummary> summaries(ranges.size());
  for (std::size_t channel = 0; channel < ranges.size(); ++channel) {
    ChannelSummary& summary = summaries[channel];
    summary.range = ranges[channel];
    if (is_planned(binning_)) {
      summary.histogram = empty_histogram(ranges[channel], binning_);
      std::copy_n(counts + channel * histogram_bins, summary.histogram.counts.size(),
                  summary.histogram.counts.begin());
    }
    for (std::size_t set = 0; set < candidates_.size(); ++set) {
      summary.errors.push_back(weighted_errors(errors[set * ranges.size() + channel],
                                               error_spec(candidates_[set], summary.range)));
    }
    if (has_moments_) summary.moments = moments[channel];
  }
  return summaries;
}

}  // namespace qcal
