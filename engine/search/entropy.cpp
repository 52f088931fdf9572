#include "engine/search/entropy.h"

#include <functional>

#include "engine/search/entropy_costs.h"
#include "engine/search/histogram_window.h"

namespace qcal {

ClipRange entropy_range(const Histogram& histogram, const SearchSettings& settings, const Preset& preset) {
  const int levels = quantized_levels(settings);
  const EntropyCosts costs(histogram, levels, zero_bin(histogram));
  const Sweep sweep = sweep_for(histogram.bins(), levels, preset.entropy_start, preset.entropy_tie, preset,
                                settings.search_start);
  return best_range(histogram, settings, sweep, std::cref(costs));
}

}  // namespace qcal
