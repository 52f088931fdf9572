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

// Bin of a value in [0, plan.bins), or no_bin.
class PlannedBinner {
 public:
  QCAL_HOST_DEVICE explicit PlannedBinner(const BinPlan& plan)
      : plan_(plan),
        narrow_(plan.exponent >= -dyadic_float_exponents && plan.exponent <= dyadic_float_exponents),
        inverse_width_(exact_power_of_two(-plan.exponent)),
        float_inverse_width_(narrow_ ? static_cast<float>(inverse_width_) : 1.0f) {}

  QCAL_HOST_DEVICE int operator()(float value) const {
    const float x = plan_.counted == Counted::magnitude && value < 0.0f ? -value : value;
    if (plan_.rule == BinRule::linear) return linear_bin(x, plan_.grid);
    if (!is_finite(x)) return no_bin;
    if (!narrow_) return static_cast<int>(dyadic_bin(x, inverse_width_) - plan_.first);
    const float position = dyadic_position(x, float_inverse_width_);
    const int truncated = static_cast<int>(position);
    const int floored = truncated - (static_cast<float>(truncated) > position ? 1 : 0);
    return floored - static_cast<int>(plan_.first);
  }

 private:
  BinPlan plan_;
  bool narrow_;
  double inverse_width_;
  float float_inverse_width_;
};

}  // namespace qcal
