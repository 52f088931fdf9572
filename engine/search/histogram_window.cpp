#include "engine/search/histogram_window.h"

#include <algorithm>
#include <cmath>

namespace qcal {

int quantized_levels(const SearchSettings& settings) {
  return settings.symmetric && settings.is_signed ? 1 << (settings.bit_width - 1) : 1 << settings.bit_width;
}

int zero_bin(const Histogram& histogram) {
  const double position = std::floor(-histogram.origin / histogram.width);
  return static_cast<int>(std::clamp(position, 0.0, static_cast<double>(histogram.bins() - 1)));
}

ClipRange best_range(const Histogram& histogram, const SearchSettings& settings, const Sweep& sweep,
                     const WindowCost& cost) {
  const Window window = settings.symmetric ? best_upper_end(histogram.bins(), sweep, cost)
                                           : best_window(histogram.bins(), zero_bin(histogram), sweep, cost);
  return range_of_window(histogram, settings, window);
}

ClipRange range_of_window(const Histogram& histogram, const SearchSettings& settings, const Window& window) {
  const double high = histogram.edges.empty() ? histogram.edge(window.end)
                                              : histogram.edges[static_cast<std::size_t>(window.end)];
  return {settings.symmetric ? -high : histogram.edge(window.begin), high};
}

}  // namespace qcal
