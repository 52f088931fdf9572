// Percentile: clip the rarest values.
#pragma once

#include "engine/search/clip_range.h"
#include "engine/search/preset.h"
#include "engine/search/search_settings.h"
#include "kernels/histogram.h"

namespace qcal {

// Symmetric: the magnitude below which settings.percentage percent of the values lie (magnitude histogram).
// Asymmetric: (100 - percentage)/2 percent are clipped from each tail (value histogram).
ClipRange percentile_range(const Histogram& histogram, const SearchSettings& settings, const Preset& preset);

}  // namespace qcal
