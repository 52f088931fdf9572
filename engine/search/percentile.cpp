#include "engine/search/percentile.h"

#include <numeric>

namespace qcal {
namespace {

// The value below which `share` of the counts lie, linear inside its bin.
double interpolated_quantile(const Histogram& histogram, double share) {
  const auto total = static_cast<double>(
      std::accumulate(histogram.counts.begin(), histogram.counts.end(), std::uint64_t{0}));
  const double wanted = share * total;
  std::uint64_t below = 0;
  for (int i = 0; i < histogram.bins(); ++i) {
    const std::uint64_t count = histogram.counts[static_cast<std::size_t>(i)];
    if (count > 0 && static_cast<double>(below + count) >= wanted) {
      const double part = (wanted - static_cast<double>(below)) / static_cast<double>(count);
      if (part >= 1.0) return histogram.edge(i + 1);
      return histogram.edge(i) + part * (histogram.edge(i + 1) - histogram.edge(i));
    }
    below += count;
  }
  return histogram.high;
}

// Lower edge of the first bin at which the running sum of float64 shares reaches `share`.
double lower_edge_quantile(const Histogram& histogram, double share) {
  double total = 0.0;
  for (const std::uint64_t count : histogram.counts) total += static_cast<double>(count);
  double sum = 0.0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    sum += static_cast<double>(histogram.counts[i]) / total;
    if (sum >= share) return histogram.edges[i];
  }
  return histogram.edges.back();
}

}  // namespace

ClipRange percentile_range(const Histogram& histogram, const SearchSettings& settings, const Preset& preset) {
  if (!preset.percentile_interpolates) {
    const double amax = lower_edge_quantile(histogram, settings.percentage / 100.0);
    return {-amax, amax};
  }
  if (settings.symmetric) {
    const double amax = interpolated_quantile(histogram, settings.percentage / 100.0);
    return {-amax, amax};
  }
  const double tail = (100.0 - settings.percentage) / 200.0;
  return {interpolated_quantile(histogram, tail), interpolated_quantile(histogram, 1.0 - tail)};
}

}  // namespace qcal
