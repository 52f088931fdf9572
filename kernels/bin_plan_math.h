// The bins of one channel's batch, ready for the element loop; host and device plan them alike from its
// range.
#pragma once

#include "kernels/histogram_math.h"

namespace qcal {

// Which bins follow from a range. See histogram.h.
enum class BinRule { linear, dyadic };

struct BinPlan {
  BinRule rule = BinRule::linear;
  Counted counted = Counted::magnitude;
  int bins = 0;      // 0: nothing to count
  LinearBins grid;   // linear
  int exponent = 0;  // dyadic: bin 0 is dyadic_bin() == first
  std::int64_t first = 0;
};

QCAL_HOST_DEVICE inline BinPlan bin_plan(const ValueRange& range, BinRule rule, Counted counted) {
  BinPlan plan;
  plan.rule = rule;
  plan.counted = counted;
  if (range.empty()) return plan;
  const CountedSpan span = counted_span(range, counted);
  if (rule == BinRule::linear) {
    plan.grid = linear_bins(span.low, span.high);
    plan.bins = span.high > span.low ? histogram_bins : 0;
    return plan;
  }
  const DyadicBins grid = dyadic_bins(span);
  plan.exponent = grid.exponent;
  plan.first = grid.first;
  plan.bins = grid.bins;
  return plan;
}

}  // namespace qcal
