#include "engine/search/histogram_window.h"

#include <algorithm>
#include <cmath>

#include "kernels/histogram_math.h"

namespace qcal {

int quantized_levels(const SearchSettings& settings) {
  return settings.symmetric && settings.is_signed ? 1 << (settings.bit_width - 1) : 1 << settings.bit_width;
}

int zero_bin(const Histogram& histogram) {
  // Linear bins fill [low, high] to both ends, and zeros were counted where float32 arithmetic put them,
  // which near an edge is not where double arithmetic would. Only the last dyadic bin holds `high` in its
  // inside.
  const int bins = histogram.bins();
  if (!(histogram.high > histogram.low)) return 0;  // all zero
  const double span = histogram.high - histogram.low;
  const bool linear = histogram.origin == histogram.low && histogram.width * bins == span;
  if (linear) {
    const LinearBins grid =
        linear_bins(static_cast<float>(histogram.low), static_cast<float>(histogram.high), bins);
    return std::clamp(linear_bin(0.0f, grid), 0, bins - 1);
  }
  const double position = std::floor(-histogram.origin / histogram.width);
  return static_cast<int>(std::clamp(position, 0.0, static_cast<double>(bins - 1)));
}

ClipRange best_range(const Histogram& histogram, const SearchSettings& settings, const Sweep& sweep,
                     const WindowCosts& costs) {
  const Window window = settings.symmetric ? best_upper_end(histogram.bins(), sweep, costs)
                                           : best_window(histogram.bins(), zero_bin(histogram), sweep, costs);
  return range_of_window(histogram, settings, window);
}

ClipRange range_of_window(const Histogram& histogram, const SearchSettings& settings, const Window& window) {
  const double high = histogram.edges.empty() ? histogram.edge(window.end)
                                              : histogram.edges[static_cast<std::size_t>(window.end)];
  return {settings.symmetric ? -high : histogram.edge(window.begin), high};
}

}  // namespace qcal
