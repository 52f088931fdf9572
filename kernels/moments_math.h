// Sum and sum of squares.
#pragma once

#include "kernels/host_device.h"

namespace qcal {

// Of the finite values, each widened to float32, in the order of ordered_sum_math.h. Squares are float32 too:
// beyond its range they are infinite, below 2^-149 they vanish.
struct Moments {
  double sum = 0.0;
  double sum_of_squares = 0.0;
  bool operator==(const Moments&) const = default;
};

inline constexpr int moment_terms = 2;

// Adds one element to its lane of both sums.
QCAL_HOST_DEVICE inline void add_moments(float x, float& sum, float& sum_of_squares) {
  const float finite = x - x == 0.0f ? x : 0.0f;
  sum += finite;
  sum_of_squares += finite * finite;
}

}  // namespace qcal
