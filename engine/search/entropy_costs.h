// Kullback-Leibler divergence of the windows of one histogram, a few of them side by side.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "engine/search/window.h"
#include "kernels/histogram.h"

namespace qcal {

// Of one histogram's bins with counts c. Sums are of all bins ahead of each, an entry more than bins. All
// have some more entries, so that vectors can be loaded from any place.
struct EntropySums {
  double total = 0.0;
  std::vector<double> counts;
  std::vector<double> counts_before;
  std::vector<double> plogp_before;     // of c * ln c
  std::vector<double> nonempty_before;  // bins
  std::vector<double> log_of;           // ln(n), n = 0 .. bins, but 0 for 0
};

// Divergence of windows in O(levels) each.
class EntropyCosts {
 public:
  // levels: a power of two. zero_bin: the bin that holds 0.
  EntropyCosts(const Histogram& histogram, int levels, int zero_bin);

  // WindowCosts: KL divergences in nats; infinite where clipped counts fall on an empty bin, NaN where
  // nothing is left.
  void operator()(std::span<const Window> windows, double limit, std::span<double> costs) const;

  double operator()(const Window& window, double limit = std::numeric_limits<double>::infinity()) const;

 private:
  int levels_;
  EntropySums sums_;
};

}  // namespace qcal
