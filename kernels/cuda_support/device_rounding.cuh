// round_small() of rounding_math.h, but for the sign of a zero, in the instructions that a GPU has for it.
#pragma once

#include "kernels/cuda_support/gpu_source.cuh"
#include "kernels/rounding_math.h"

namespace qcal {

// |v| <= 2^22. Adding 1.5 * 2^23 rounds to an integer, in the direction that the instruction names; adding
// half a step first, in that direction too, moves no value across an integer that it does not reach.
template <Rounding mode>
__device__ __forceinline__ float rounded_on_device(float v) {
  constexpr float shifter = 12582912.0f;  // 1.5 * 2^23
  if constexpr (mode == Rounding::half_even) {
    return (v + shifter) - shifter;
  } else if constexpr (mode == Rounding::half_up) {
    return __fadd_rd(__fadd_rd(v, 0.5f), shifter) - shifter;
  } else {
    const float magnitude = fabsf(v);
    const float rounded = mode == Rounding::half_down
                              ? __fadd_ru(__fadd_ru(magnitude, -0.5f), shifter) - shifter
                              : __fadd_rd(__fadd_rd(magnitude, 0.5f), shifter) - shifter;
    return copysignf(rounded, v);
  }
}

}  // namespace qcal
