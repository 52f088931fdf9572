// Means and modal values: the parts of a batch statistic that host and device must compute alike.
#pragma once

#include <cstdint>

#include "kernels/host_device.h"
#include "kernels/scale_math.h"

namespace qcal {

// At most 128 values: eight running sums, as NumPy adds them.
QCAL_HOST_DEVICE inline double pairwise_block(const double* values, std::int64_t count) {
  if (count < 8) {
    double sum = 0.0;
    for (std::int64_t i = 0; i < count; ++i) sum += values[i];
    return sum;
  }
  double r[8];
  for (int j = 0; j < 8; ++j) r[j] = values[j];
  std::int64_t i = 8;
  for (; i < count - count % 8; i += 8) {
    for (int j = 0; j < 8; ++j) r[j] += values[i + j];
  }
  double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < count; ++i) sum += values[i];
  return sum;
}

// NumPy's order of additions: blocks up to 128 values, halves (the first a multiple of eight) above. A stack
// of our own instead of recursion, which device code pays for.
QCAL_HOST_DEVICE inline double pairwise_sum(const double* values, std::int64_t count) {
  constexpr std::int64_t block = 128;
  struct Half {
    std::int64_t begin;
    std::int64_t count;
    bool first_done;
    double first;
  };
  Half halves[64] = {{0, count, false, 0.0}};
  int depth = 0;
  double sum = 0.0;
  while (depth >= 0) {
    // Down to the first block of the topmost half.
    while (halves[depth].count > block) {
      const std::int64_t half = halves[depth].count / 2;
      halves[depth + 1] = {halves[depth].begin, half - half % 8, false, 0.0};
      ++depth;
    }
    sum = pairwise_block(values + halves[depth].begin, halves[depth].count);
    --depth;
    // Up to the first half that still lacks its second part.
    while (depth >= 0 && halves[depth].first_done) {
      sum = halves[depth].first + sum;
      --depth;
    }
    if (depth < 0) break;
    Half& parent = halves[depth];
    const std::int64_t half = parent.count / 2;
    const std::int64_t first = half - half % 8;
    parent.first_done = true;
    parent.first = sum;
    halves[depth + 1] = {parent.begin + first, parent.count - first, false, 0.0};
    ++depth;
  }
  return sum;
}

// Which eighth of an octave a magnitude lies in, by comparisons alone; 0 has a bin below all others, negative
// values mirror positive ones.
QCAL_HOST_DEVICE inline int octave_bin(double value) {
  constexpr double eighths[] = {0x1.172b83c7d517bp+0, 0x1.306fe0a31b715p+0, 0x1.4bfdad5362a27p+0,
                                0x1.6a09e667f3bcdp+0, 0x1.8ace5422aa0dbp+0, 0x1.ae89f995ad3adp+0,
                                0x1.d5818dcfba487p+0};  // 2^(1/8) ...
  const double magnitude = value < 0.0 ? -value : value;
  if (magnitude == 0.0) return 0;
  const int exponent = binary_exponent(magnitude);
  const double mantissa = magnitude / exact_power_of_two(exponent);
  int bin = (exponent + 1100) * 8;
  for (const double edge : eighths) bin += mantissa >= edge ? 1 : 0;
  return value < 0.0 ? -bin : bin;
}

QCAL_HOST_DEVICE inline double median_of_sorted(const double* sorted, std::int64_t count) {
  const std::int64_t middle = count / 2;
  if (count % 2 == 1) return sorted[middle];
  return (sorted[middle - 1] + sorted[middle]) / 2.0;
}

}  // namespace qcal
