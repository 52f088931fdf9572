// The range of values as the device gathers it: integers whose maximum atomics can take.
#pragma once

#include <cstdint>

#include "kernels/half_math.h"
#include "kernels/statistics_math.h"

namespace qcal {

// Integers in the order of the floats; NaN has no place in it.
QCAL_HOST_DEVICE inline std::uint32_t ordered_bits(float x) {
  const std::uint32_t bits = float_to_bits(x);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

QCAL_HOST_DEVICE inline float from_ordered_bits(std::uint32_t ordered) {
  return bits_to_float((ordered & 0x80000000u) != 0 ? ordered & 0x7fffffffu : ~ordered);
}

// Zeroed memory is an empty range.
struct DeviceRange {
  std::uint32_t highest = 0;  // the largest ordered_bits() of the finite values
  std::uint32_t lowest = 0;   // the largest complement of them
  std::uint64_t non_finite = 0;
};

QCAL_HOST_DEVICE inline ValueRange value_range(const DeviceRange& gathered, std::uint64_t elements) {
  ValueRange range;
  range.elements = elements;
  range.non_finite = gathered.non_finite;
  if (range.empty()) return range;
  range.min = from_ordered_bits(~gathered.lowest) + 0.0f;  // -0 becomes +0
  range.max = from_ordered_bits(gathered.highest) + 0.0f;
  return range;
}

}  // namespace qcal
