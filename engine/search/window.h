// Searches over the ends of a histogram: which window of bins to keep.
#pragma once

#include <functional>
#include <span>

#include "engine/search/preset.h"
#include "kernels/histogram.h"

namespace qcal {

// Bins [begin, end) are kept, the rest is clipped.
struct Window {
  int begin = 0;
  int end = 0;
  int size() const { return end - begin; }
  bool operator==(const Window&) const = default;
};

// As many costs as windows. A window that costs more than `limit`, or than another one, cannot win: for it
// any number above that will do.
using WindowCosts =
    std::function<void(std::span<const Window> windows, double limit, std::span<double> costs)>;

// How a sweep walks: the smallest window tried, in bins, and the stride.
struct Sweep {
  int start = 1;
  int stride = 1;
  Tie tie = Tie::last;
  bool nan_wins = false;  // otherwise NaN wins only where every cost is NaN
};

// The sweep of a search over `bins` bins with `levels` quantized levels. `requested` (search_start) overrides
// the rule.
Sweep sweep_for(int bins, int levels, const StartRule& rule, Tie tie, const Preset& preset,
                const SearchStart& requested);

// The cheapest window [0, end), end = start, start + stride, ... up to `bins`.
Window best_upper_end(int bins, const Sweep& sweep, const WindowCosts& costs);

// The cheapest window of a signed histogram: the upper end is swept, then the lower, until neither moves (at
// most four rounds). The window always holds `zero_bin` (clamped into the histogram).
Window best_window(int bins, int zero_bin, const Sweep& sweep, const WindowCosts& costs);

}  // namespace qcal
