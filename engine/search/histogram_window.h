// From settings and a histogram to the window that a cost prefers, as a range of values.
#pragma once

#include "engine/search/clip_range.h"
#include "engine/search/search_settings.h"
#include "engine/search/window.h"

namespace qcal {

// How many integers a histogram's bins are quantized to: 2^(b-1) magnitudes for symmetric signed, else 2^b.
int quantized_levels(const SearchSettings& settings);

// The bin of real 0: 0 for magnitudes, else the one whose edges enclose 0.
int zero_bin(const Histogram& histogram);

// The range of the cheapest window: upper end alone where symmetric (magnitude histogram), both ends
// otherwise.
ClipRange best_range(const Histogram& histogram, const SearchSettings& settings, const Sweep& sweep,
                     const WindowCosts& costs);

// The values at a window's ends.
ClipRange range_of_window(const Histogram& histogram, const SearchSettings& settings, const Window& window);

}  // namespace qcal
