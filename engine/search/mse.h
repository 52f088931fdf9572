// Mean squared error: the scale whose quantization of the histogram's bin centers costs least.
#pragma once

#include <limits>
#include <vector>

#include "engine/search/clip_range.h"
#include "engine/search/preset.h"
#include "engine/search/search_settings.h"
#include "engine/search/window.h"

namespace qcal {

// Squared error of quantizing one histogram with any scale and zero point in O(levels), from prefix sums of
// the counts times powers 0 to 2 of the bin's position. A tie between two levels costs the same either way,
// so the round mode plays no part.
class SquaredErrorCosts {
 public:
  // `levels`: at least so many quantized levels reach over the histogram in every scale that is asked for
  // with a limit; 0 where none is.
  explicit SquaredErrorCosts(const Histogram& histogram, int levels = 0);

  // Sum over bins of count * (center - fake_quantize(center))^2, in double. Of a scale that costs more than
  // `limit`, any number above `limit`: what is clipped above and the levels so far often say so early.
  double operator()(double scale, std::int64_t zero_point, IntegerRange range,
                    double limit = std::numeric_limits<double>::infinity()) const;

 private:
  // Sums over bins of c, c*u and c*u^2 with u = i + 1/2.
  struct Moments {
    double zeroth = 0.0;
    double first = 0.0;
    double second = 0.0;
  };

  // What bins between a level's end and the last levels cost at least, in squared bins.
  class Remainder;

  double bin_cost(int bin, double scale, double lowest, double highest) const;
  static double run_cost(const Moments& begin, const Moments& end, double value);
  const Moments& before(int bin) const { return before_[static_cast<std::size_t>(bin)]; }

  const Histogram* histogram_;
  int first_uniform_ = 0;  // bins [first_uniform_, end_uniform_) have centers origin + (i + 1/2) * width
  int end_uniform_ = 0;
  std::vector<Moments> before_;        // of all bins ahead of each
  int widest_level_ = 0;               // in whole bins; 0: not known
  std::vector<double> scarce_before_;  // of all bins ahead of each, the smallest count within a level's width
};

ClipRange mse_range(const Histogram& histogram, const SearchSettings& settings, const Preset& preset);

// vai_q_pytorch's search: float32 bin centers as thresholds, every bin quantized in float32. Returns the
// threshold.
double vitis_mse_threshold(const Histogram& histogram, const SearchSettings& settings, const Preset& preset);

}  // namespace qcal
