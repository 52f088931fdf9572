// Squared error of quantizing the bins of one histogram, with a few quantizers side by side.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "kernels/candidate_scales_math.h"
#include "kernels/histogram.h"
#include "kernels/integer_range.h"

namespace qcal {

// Candidates whose costs are computed side by side, at most.
inline constexpr std::size_t squared_error_lanes = 8;

// Of one histogram's bins, whose positions are in bins from its origin. Sums are of all bins ahead of each,
// an entry more than bins; a vector can be loaded from the last one, too.
struct SquaredErrorSums {
  const Histogram* histogram = nullptr;
  int first_uniform = 0;  // bins [first_uniform, end_uniform) have centers origin + (i + 1/2) * width
  int end_uniform = 0;
  double total = 0.0;
  std::vector<double> zeroth_before;  // of c
  std::vector<double> first_before;   // of c*u with u = i + 1/2
  std::vector<double> second_before;  // of c*u^2
  int widest_level = 0;               // in whole bins; 0: not known
  std::vector<double> scarce_before;  // of the smallest count within a level's width
};

// Squared error of quantizing one histogram with any scale and zero point in O(levels), from prefix sums of
// the counts times powers 0 to 2 of the bin's position. A tie between two levels costs the same either way,
// so the round mode plays no part.
class SquaredErrorCosts {
 public:
  // `levels`: at least so many quantized levels reach over the histogram in every scale that is asked for
  // with a limit; 0 where none is. Keeps a reference to the histogram.
  explicit SquaredErrorCosts(const Histogram& histogram, int levels = 0);

  // Sum over bins of count * (center - fake_quantize(center))^2, in double. Of a scale that costs more than
  // `limit`, any number above `limit`: what is clipped above and the levels so far often say so early.
  double operator()(double scale, std::int64_t zero_point, IntegerRange range,
                    double limit = std::numeric_limits<double>::infinity()) const;

  // The same of as many candidates, which are each other's limit too: exact for the cheapest only.
  void operator()(std::span<const Candidate> candidates, IntegerRange range, double limit,
                  std::span<double> costs) const;

 private:
  SquaredErrorSums sums_;
};

}  // namespace qcal
