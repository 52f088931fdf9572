// Float to integer rounding, bit-normative for every back end.
#pragma once

#include "kernels/host_device.h"
#include "kernels/rounding.h"

namespace qcal {

// v within [low, high]; not for NaN. Which zero comes out of two is left open.
QCAL_HOST_DEVICE inline float clamped(float v, float low, float high) {
#if defined(__CUDA_ARCH__)
  return fminf(fmaxf(v, low), high);
#else
  const float raised = v < low ? low : v;
  return raised > high ? high : raised;
#endif
}

// Largest magnitude that round_small accepts.
inline constexpr float round_small_limit = 4194304.0f;  // 2^22

// Rounds v, |v| <= 2^22, to an integral float. NaN gives NaN. May return -0.
// Adding and subtracting 1.5 * 2^23 rounds half to even in plain SSE2, AVX and CUDA arithmetic; only exact
// ties, which the exact remainder reveals, need another look. Needs round-to-nearest and no fast-math.
template <Rounding mode>
QCAL_HOST_DEVICE inline float round_small(float v) {
  constexpr float shifter = 12582912.0f;  // 1.5 * 2^23
  const float even = (v + shifter) - shifter;
  const float remainder = v - even;
  if constexpr (mode == Rounding::half_up) {
    return remainder == 0.5f ? even + 1.0f : even;
  } else if constexpr (mode == Rounding::half_down) {
    const float down = remainder == -0.5f && v > 0.0f ? even - 1.0f : even;
    return remainder == 0.5f && v < 0.0f ? even + 1.0f : down;
  } else if constexpr (mode == Rounding::std_round) {
    const float away = remainder == 0.5f && v > 0.0f ? even + 1.0f : even;
    return remainder == -0.5f && v < 0.0f ? even - 1.0f : away;
  } else {
    return even;
  }
}

// Rounds any float to an integral float.
template <Rounding mode>
QCAL_HOST_DEVICE inline float round_to_integral(float v) {
  if (v >= -round_small_limit && v <= round_small_limit) return round_small<mode>(v);
  if (!(v > -2.0f * round_small_limit && v < 2.0f * round_small_limit)) return v;  // integral already, or NaN
  const float base =
      v < 0.0f ? -round_small_limit : round_small_limit;  // even, and the rest keeps the sign of v
  return base + round_small<mode>(v - base);
}

// Calls `work` with the mode as a compile-time constant: work(std::integral_constant-like tag with ::value).
template <Rounding mode>
struct RoundingTag {
  static constexpr Rounding value = mode;
};

template <class Work>
QCAL_HOST_DEVICE inline auto with_rounding(Rounding mode, const Work& work) {
  switch (mode) {
    case Rounding::half_up:
      return work(RoundingTag<Rounding::half_up>{});
    case Rounding::half_down:
      return work(RoundingTag<Rounding::half_down>{});
    case Rounding::std_round:
      return work(RoundingTag<Rounding::std_round>{});
    case Rounding::half_even:
      break;
  }
  return work(RoundingTag<Rounding::half_even>{});
}

}  // namespace qcal
