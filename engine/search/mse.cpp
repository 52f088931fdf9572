#include "engine/search/mse.h"

#include <algorithm>
#include <span>
#include <vector>

#include "engine/search/histogram_window.h"
#include "engine/search/squared_error_costs.h"
#include "kernels/rounding_math.h"
#include "kernels/scale_math.h"

namespace qcal {

ClipRange mse_range(const Histogram& histogram, const SearchSettings& settings, const Preset& preset) {
  const SquaredErrorCosts costs(
      histogram, static_cast<int>(std::min<std::int64_t>(quantized_levels(settings), histogram.bins())));
  const Sweep sweep = sweep_for(histogram.bins(), quantized_levels(settings), preset.mse_start,
                                preset.mse_tie, preset, settings.search_start);
  const auto candidate_of = [&](const Window& window) -> Candidate {
    const ClipRange clip = range_of_window(histogram, settings, window);
    if (settings.symmetric) return {symmetric_scale(clip.high, settings.range), 0};
    const double scale = asymmetric_scale(clip.low, clip.high, settings.range);
    return {scale, asymmetric_zero_point(clip.low, scale, settings.range)};
  };
  return best_range(histogram, settings, sweep,
                    [&](std::span<const Window> windows, double limit, std::span<double> found) {
                      std::vector<Candidate> candidates(windows.size());
                      std::ranges::transform(windows, candidates.begin(), candidate_of);
                      costs(candidates, settings.range, limit, found);
                    });
}

double vitis_mse_threshold(const Histogram& histogram, const SearchSettings& settings, const Preset& preset) {
  const int bins = histogram.bins();
  std::vector<float> centers(static_cast<std::size_t>(bins));
  for (std::size_t i = 0; i < centers.size(); ++i) {
    centers[i] = (histogram.edges[i] + histogram.edges[i + 1]) / 2.0f;
  }
  const auto qmin = static_cast<float>(settings.range.qmin);
  const auto qmax = static_cast<float>(settings.range.qmax);
  const auto cost = [&](const Window& window) {
    const float threshold = centers[static_cast<std::size_t>(window.end)];
    const float inverse = qmax / threshold;
    double sum = 0.0;
    for (std::size_t i = 0; i < centers.size(); ++i) {
      float value = 0.0f;
      if (threshold > 0x1p-24f) {
        const float steps = round_to_integral<Rounding::half_even>(centers[i] * inverse);
        value = std::clamp(steps, qmin, qmax) / inverse;
      }
      const float difference = value - centers[i];
      sum += static_cast<double>(difference * difference * static_cast<float>(histogram.counts[i]));
    }
    return sum;
  };
  // Unlike edges, the last center has the index bins - 1.
  const Sweep sweep = sweep_for(bins - 1, quantized_levels(settings), preset.mse_start, preset.mse_tie,
                                preset, settings.search_start);
  const auto costs = [&](std::span<const Window> windows, double, std::span<double> found) {
    std::ranges::transform(windows, found.begin(), cost);
  };
  return centers[static_cast<std::size_t>(best_upper_end(bins - 1, sweep, costs).end)];
}

}  // namespace qcal
