// The range of a set of values: order-free, so exact for any split, thread count and back end.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/host_device.h"

namespace qcal {

// min and max are over the finite values; min > max where there is none.
struct ValueRange {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  std::uint64_t elements = 0;    // all of them, non-finite ones included
  std::uint64_t non_finite = 0;  // NaN and infinities

  QCAL_HOST_DEVICE bool empty() const { return elements == non_finite; }
  QCAL_HOST_DEVICE float amax() const {
    if (empty()) return 0.0f;
    return max >= -min ? max : -min;  // of zeros: +0, not -min
  }
  bool operator==(const ValueRange&) const = default;
};

QCAL_HOST_DEVICE inline bool is_finite(float x) {
#if defined(__CUDA_ARCH__)
  return fabsf(x) < __int_as_float(0x7f800000);  // one instruction
#else
  return x - x == 0.0f;
#endif
}

QCAL_HOST_DEVICE inline ValueRange merge(const ValueRange& a, const ValueRange& b) {
  ValueRange both;
  both.min = b.min < a.min ? b.min : a.min;
  both.max = b.max > a.max ? b.max : a.max;
  both.elements = a.elements + b.elements;
  both.non_finite = a.non_finite + b.non_finite;
  return both;
}

}  // namespace qcal
