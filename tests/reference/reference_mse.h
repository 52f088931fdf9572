// The squared error of quantizing a histogram's bin centers, bin by bin, in double.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/histogram.h"
#include "kernels/integer_range.h"

namespace qcal::testing {

// Sum of count * (center - nearest representable value)^2. Representable: (q - zero_point) * scale.
inline double reference_squared_error(const Histogram& histogram, double scale, std::int64_t zero_point,
                                      IntegerRange range) {
  const auto lowest = static_cast<double>(range.qmin - zero_point);
  const auto highest = static_cast<double>(range.qmax - zero_point);
  double sum = 0.0;
  for (int i = 0; i < histogram.bins(); ++i) {
    const double center = 0.5 * histogram.edge(i) + 0.5 * histogram.edge(i + 1);
    const double clamped = std::clamp(center / scale, lowest, highest);
    const auto level = static_cast<double>(static_cast<std::int64_t>(clamped + (clamped < 0.0 ? -0.5 : 0.5)));
    const double difference = center - level * scale;
    sum += static_cast<double>(histogram.counts[static_cast<std::size_t>(i)]) * difference * difference;
  }
  return sum;
}

}  // namespace qcal::testing
