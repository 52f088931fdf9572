#include "engine/collect/histogram_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/collect/tensor_spec.h"
#include "engine/search/search.h"
#include "kernels/collector.h"
#include "kernels/error.h"

namespace qcal {

Distribution distribution_of(const TensorParts& values, bool symmetric, const Backend& backend,
                             Stream stream) {
  CollectSpec spec;
  spec.binning = symmetric ? Binning::linear_magnitude : Binning::linear_value;
  spec.non_finite = NonFinite::ignore;
  const std::unique_ptr<Collector> collector = backend.make_collector(spec);
  collector->collect(values, stream);
  Summary summary = collector->take();
  if (summary.channels.empty()) return {};
  return {summary.channels.front().range, std::move(summary.channels.front().histogram)};
}

Distribution distribution_of(std::vector<std::uint64_t> counts, double low, double high) {
  if (counts.empty() || counts.size() > static_cast<std::size_t>(histogram_bins)) {
    throw InvalidArgument(
        fmt::format("a histogram of {} bins; it takes 1 to {}", counts.size(), histogram_bins));
  }
  if (!(low <= 0 && high >= 0 && low < high && std::isfinite(high - low)))
    throw InvalidArgument(fmt::format("a histogram over [{}, {}]; 0 must lie in its range", low, high));
  if (std::ranges::all_of(counts, [](std::uint64_t count) { return count == 0; }))
    throw InvalidArgument("a histogram in which nothing was counted");
  Distribution distribution;
  distribution.range.min = static_cast<float>(low);
  distribution.range.max = static_cast<float>(high);
  for (const std::uint64_t count : counts) distribution.range.elements += count;
  Histogram& histogram = distribution.histogram;
  histogram.origin = histogram.low = low;
  histogram.high = high;
  histogram.width = (high - low) / static_cast<double>(counts.size());
  histogram.counts = std::move(counts);
  return distribution;
}

HistogramChoice search_histogram(const Distribution& distribution, const TensorSettings& settings) {
  if (settings.symmetry.value && distribution.histogram.low < 0) {
    throw InvalidArgument(
        fmt::format("symmetric settings are searched on a histogram of magnitudes, and this one starts at {}",
                    distribution.histogram.low));
  }
  TensorSettings whole = settings;
  whole.per_channel.value = false;
  const TensorSpec spec = tensor_spec(whole, {});
  const bool negative = spec.variants.size() > 1 && distribution.range.min < 0;
  const SearchSettings& chosen = negative ? spec.variants.back() : spec.variants.front();
  ChannelSummary channel;
  channel.range = distribution.range;
  channel.histogram = distribution.histogram;
  return {chosen, search_scale(channel, 0, chosen, spec.preset())};
}

}  // namespace qcal
