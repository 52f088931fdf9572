// Division of many numbers by one, without dividing. Bit-normative.
#pragma once

#include <cmath>

#include "kernels/host_device.h"
#include "kernels/scale_math.h"

namespace qcal {

// A divisor and its reciprocal, rounded to nearest.
struct ExactDivisor {
  float divisor = 1.0f;
  float reciprocal = 1.0f;
};

// Whether quotient() may be used: within these nothing that matters leaves float32's normal numbers.
QCAL_HOST_DEVICE inline bool has_exact_quotients(float divisor) {
  constexpr float largest = 0x1p60f;
  return divisor >= 1.0f / largest && divisor <= largest;
}

QCAL_HOST_DEVICE inline ExactDivisor exact_divisor(float divisor) {
  return {divisor, 1.0f / divisor};
}

QCAL_HOST_DEVICE inline float fused(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return std::fma(a, b, c);
#endif
}

// x / divisor, rounded as a division rounds, where |x / divisor| lies within [2^-40, 2^60]. Smaller ones stay
// small, and a zero may change its sign. A division takes a slow road on GPUs where x is 0, and three times
// as long as this elsewhere.
//
// The product is off by two units in the last place at most. The first step leaves an error below one unit,
// whose remainder is a float32; the second then rounds correctly because the reciprocal does (Markstein,
// "Computation of elementary functions on the IBM RISC System/6000 processor", 1990, theorem 6).
QCAL_HOST_DEVICE inline float quotient(float x, const ExactDivisor& by) {
  const float about = x * by.reciprocal;
  const float close = fused(fused(-about, by.divisor, x), by.reciprocal, about);
  return fused(fused(-close, by.divisor, x), by.reciprocal, close);
}

}  // namespace qcal
