// Entropy: the window whose quantized distribution diverges least from the clipped one (Kullback-Leibler).
//
// Migacz, "8-bit inference with TensorRT", GTC 2017, in the form that vai_q_pytorch gave it: the bin of 0
// takes its neighbour's count, empty bins stay empty, clipped counts go to the outermost kept bin.
#pragma once

#include <limits>
#include <vector>

#include "engine/search/clip_range.h"
#include "engine/search/preset.h"
#include "engine/search/search_settings.h"
#include "engine/search/window.h"

namespace qcal {

// Divergence of every window of one histogram in O(levels) each, from prefix sums of c, c*ln(c) and non-empty
// bins.
class EntropyCosts {
 public:
  // zero_bin: the bin that holds 0.
  EntropyCosts(const Histogram& histogram, int levels, int zero_bin);

  // KL divergence in nats; infinite where clipped counts fall on an empty bin, NaN where nothing is left. Of
  // one above `limit`, any number above `limit`: what is clipped often says so early.
  double operator()(const Window& window, double limit = std::numeric_limits<double>::infinity());

 private:
  double kept(int begin, int end) const { return counts_before_[end] - counts_before_[begin]; }

  int levels_;
  std::vector<double> counts_;
  std::vector<double> counts_before_;  // prefix sums, one entry more than bins
  std::vector<double> plogp_before_;   // of c * ln c
  std::vector<int> nonempty_before_;
  std::vector<double> log_of_count_;  // ln(n), n = 0 .. bins
  // Of the window at hand, an entry for each level that holds something.
  std::vector<double> level_counts_;
  std::vector<double> level_weights_;  // with the clipped counts
  std::vector<double> level_logs_;     // ln(count)
  std::vector<int> level_bins_;        // that are not empty
};

ClipRange entropy_range(const Histogram& histogram, const SearchSettings& settings, const Preset& preset);

}  // namespace qcal
