// Sums of the inputs that meet one offset of a convolution's window: the order of their additions.
//
// A selection of a row (first, first + step, ...) is added as ordered_sum_math.h says, its elements counted
// from its own start. Row sums are added in double, in the order of the rows, and so are a tensor's samples:
// the same bits however the samples are split into batches.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/host_device.h"
#include "kernels/ordered_sum_math.h"

namespace qcal {

// Coordinates along one axis: first, first + step, ..., `count` of them.
struct CoordinateRange {
  std::int64_t first = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
  bool operator==(const CoordinateRange&) const = default;
};

// NaN and infinities count as 0.
QCAL_HOST_DEVICE inline float finite_or_zero(float x) {
  return x - x == 0.0f ? x : 0.0f;
}

// Every fourth sample (3, 7, 11, ..., counted over all batches) is held back, to judge by it what the others
// say.
QCAL_HOST_DEVICE inline bool is_held_back(std::int64_t sample) {
  return sample % 4 == 3;
}

// One thread adds in all 16 lanes of the ordered sum. Elsewhere each of 16 threads is one of them (ThreadLane
// of patch_sums_cuda.cu); what follows is the same code in all of these.
struct AllLanes {
  // Sum of at most 512 elements, `step` apart; a step known to the compiler lets it add 16 lanes at once.
  template <class Step>
  double chunk_sum(const float* values, Step step, std::int64_t count) const {
    float lanes[ordered_sum_lanes] = {};
    std::int64_t at = 0;
    for (; at + ordered_sum_lanes <= count; at += ordered_sum_lanes) {
      for (int lane = 0; lane < ordered_sum_lanes; ++lane)
        lanes[lane] += finite_or_zero(values[(at + lane) * step]);
    }
    for (int lane = 0; at + lane < count; ++lane) lanes[lane] += finite_or_zero(values[(at + lane) * step]);
    return add_lanes(lanes);
  }
  // Whether this thread is the one to store result `index`.
  bool owns(std::int64_t) const { return true; }
};

// Sum of `count` elements, `step` apart.
QCAL_EITHER_SIDE
template <class Lanes, class Step>
QCAL_HOST_DEVICE inline double strided_sum(const Lanes& lanes, const float* values, Step step,
                                           std::int64_t count) {
  if (count <= ordered_sum_chunk) return lanes.chunk_sum(values, step, count);
  OrderedTree tree;
  for (std::int64_t at = 0; at < count; at += ordered_sum_chunk) {
    const std::int64_t rest = count - at;
    tree.add(lanes.chunk_sum(values + at * step, step, rest < ordered_sum_chunk ? rest : ordered_sum_chunk));
  }
  return tree.total();
}

// Sum of the elements of `row` at the coordinates of `range`; 0 where there are none.
QCAL_EITHER_SIDE
template <class Lanes>
QCAL_HOST_DEVICE inline double range_sum(const Lanes& lanes, const float* row, const CoordinateRange& range) {
  if (range.count <= 0) return 0.0;
  const float* values = row + range.first;
  if (range.step == 1)
    return strided_sum(lanes, values, std::integral_constant<std::int64_t, 1>{}, range.count);
  return strided_sum(lanes, values, range.step, range.count);
}

// range_sum of each of `count` ranges. Where all are without gaps and overlap, their common part is added
// once, then to it the elements before, from the nearest on, then those behind.
QCAL_EITHER_SIDE
template <class Lanes>
QCAL_HOST_DEVICE inline void range_sums(const Lanes& lanes, const float* row, const CoordinateRange* ranges,
                                        std::int64_t count, double* sums) {
  std::int64_t begin = ranges[0].first;
  std::int64_t end = begin + ranges[0].count;
  bool dense = true;
  for (std::int64_t i = 0; i < count; ++i) {
    const CoordinateRange& range = ranges[i];
    dense = dense && range.step == 1;
    begin = range.first > begin ? range.first : begin;
    end = range.first + range.count < end ? range.first + range.count : end;
  }
  if (!dense || begin >= end) {
    for (std::int64_t i = 0; i < count; ++i) {
      const double sum = range_sum(lanes, row, ranges[i]);
      if (lanes.owns(i)) sums[i] = sum;
    }
    return;
  }
  const double common = range_sum(lanes, row, {begin, 1, end - begin});
  for (std::int64_t i = 0; i < count; ++i) {
    if (!lanes.owns(i)) continue;
    const std::int64_t range_end = ranges[i].first + ranges[i].count;
    double sum = common;
    for (std::int64_t at = begin; at-- > ranges[i].first;)
      sum += static_cast<double>(finite_or_zero(row[at]));
    for (std::int64_t at = end; at < range_end; ++at) sum += static_cast<double>(finite_or_zero(row[at]));
    sums[i] = sum;
  }
}

}  // namespace qcal
