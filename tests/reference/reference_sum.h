// The ordered sum of kernels/ordered_sum_math.h, written as its definition reads: recursion over trees.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace qcal::testing {

// Node of the lane tree: the sum of lanes first, first + step, first + 2 * step, ...
inline double reference_lane_tree(const float* lanes, int first, int step) {
  if (step == 16) return lanes[first];
  return reference_lane_tree(lanes, first, 2 * step) + reference_lane_tree(lanes, first + step, 2 * step);
}

inline double reference_chunk_sum(std::span<const float> chunk) {
  float lanes[16] = {};
  for (std::size_t lane = 0; lane < 16; ++lane) {
    for (std::size_t i = lane; i < chunk.size(); i += 16) lanes[lane] = lanes[lane] + chunk[i];
  }
  return reference_lane_tree(lanes, 0, 1);
}

// A perfect subtree over sums.size() = 2^k chunks.
inline double reference_perfect_tree(std::span<const double> sums) {
  if (sums.size() == 1) return sums[0];
  const std::size_t half = sums.size() / 2;
  return reference_perfect_tree(sums.first(half)) + reference_perfect_tree(sums.subspan(half));
}

// The largest perfect subtree from the left, plus all that follows: so the smallest subtrees are added first.
inline double reference_tree(std::span<const double> sums) {
  if (sums.empty()) return 0.0;
  std::size_t perfect = 1;
  while (2 * perfect <= sums.size()) perfect *= 2;
  const double left = reference_perfect_tree(sums.first(perfect));
  if (perfect == sums.size()) return left;
  return left + reference_tree(sums.subspan(perfect));
}

inline std::vector<double> reference_chunk_sums(std::span<const float> values) {
  std::vector<double> sums;
  for (std::size_t at = 0; at < values.size(); at += 512) {
    sums.push_back(reference_chunk_sum(values.subspan(at, std::min<std::size_t>(512, values.size() - at))));
  }
  return sums;
}

inline double reference_ordered_sum(std::span<const float> values) {
  return reference_tree(reference_chunk_sums(values));
}

}  // namespace qcal::testing
