// Bins of single values for kernels: histogram_math.h's, by the instructions that a GPU has for them.
#pragma once

#include "kernels/bin_plan_math.h"
#include "kernels/cuda_support/gpu_source.cuh"
#include "kernels/exact_division_math.h"
#include "kernels/half_math.h"

namespace qcal {

// x or |x|: the bits that stay.
__device__ __forceinline__ unsigned counted_bits(Counted counted) {
  return counted == Counted::magnitude ? 0x7fffffffu : 0xffffffffu;
}
__device__ __forceinline__ float counted_part(float x, unsigned bits) {
  return bits_to_float(float_to_bits(x) & bits);
}

// Adding it, rounding down, leaves floor(x), |x| <= 2^22, in the sum's last bits.
inline constexpr float floor_shifter = 12582912.0f;  // 1.5 * 2^23
inline constexpr int floor_shifter_bits = 0x4b400000;

// linear_bin() of a range that has exact quotients; outside [0, bins) where there is none.
class QuotientBinner {
 public:
  __device__ explicit QuotientBinner(const BinPlan& plan)
      : bits_(counted_bits(plan.counted)),
        low_(plan.grid.low),
        high_(plan.grid.high),
        bins_(plan.grid.bins),
        range_(exact_divisor(plan.grid.range)),
        last_(plan.bins - 1) {}
  __device__ static bool fits(const BinPlan& plan) {
    return plan.grid.prescale == 1.0f && has_exact_quotients(plan.grid.range);
  }

  __device__ __forceinline__ int operator()(float value) const {
    const float x = counted_part(value, bits_);
    const float position = quotient((x - low_) * bins_, range_);
    const int bin = static_cast<int>(float_to_bits(__fadd_rd(position, floor_shifter))) - floor_shifter_bits;
    const bool inside = (x >= low_) & (x <= high_);  // without a branch
    return inside ? min(bin, last_) : no_bin;
  }

 private:
  unsigned bits_;
  float low_;
  float high_;
  float bins_;
  ExactDivisor range_;
  int last_;
};

// linear_bin() of any range.
class LinearBinner {
 public:
  __device__ explicit LinearBinner(const BinPlan& plan) : bits_(counted_bits(plan.counted)), grid_(plan.grid) {}
  __device__ __forceinline__ int operator()(float value) const {
    return linear_bin(counted_part(value, bits_), grid_);
  }

 private:
  unsigned bits_;
  LinearBins grid_;
};

// dyadic_bin() of widths whose inverse is a float32; outside [0, bins) for values that are not finite. A fused
// multiplication loses nothing of the position, however small.
class DyadicBinner {
 public:
  __device__ explicit DyadicBinner(const BinPlan& plan)
      : bits_(counted_bits(plan.counted)),
        inverse_width_(static_cast<float>(exact_power_of_two(-plan.exponent))),
        first_(floor_shifter_bits + static_cast<int>(plan.first)) {}
  __device__ static bool fits(const BinPlan& plan) {
    return plan.exponent >= -dyadic_float_exponents && plan.exponent <= dyadic_float_exponents;
  }

  __device__ __forceinline__ int operator()(float value) const {
    const float shifted = __fmaf_rd(counted_part(value, bits_), inverse_width_, floor_shifter);
    return static_cast<int>(float_to_bits(shifted) - static_cast<unsigned>(first_));
  }

 private:
  unsigned bits_;
  float inverse_width_;
  int first_;
};

// dyadic_bin() of any width.
class WideDyadicBinner {
 public:
  __device__ explicit WideDyadicBinner(const BinPlan& plan)
      : bits_(counted_bits(plan.counted)),
        inverse_width_(exact_power_of_two(-plan.exponent)),
        first_(static_cast<int>(plan.first)) {}
  __device__ __forceinline__ int operator()(float value) const {
    if (!is_finite(value)) return no_bin;
    return static_cast<int>(dyadic_bin(counted_part(value, bits_), inverse_width_)) - first_;
  }

 private:
  unsigned bits_;
  double inverse_width_;
  int first_;
};

// Calls work(bin_of) with the binner of the plan. bin_of(value) lies outside [0, plan.bins) where the value has
// no bin.
template <class Work>
__device__ __forceinline__ void with_binner(const BinPlan& plan, const Work& work) {
  if (plan.rule == BinRule::linear) {
    QuotientBinner::fits(plan) ? work(QuotientBinner(plan)) : work(LinearBinner(plan));
  } else {
    DyadicBinner::fits(plan) ? work(DyadicBinner(plan)) : work(WideDyadicBinner(plan));
  }
}

}  // namespace qcal
