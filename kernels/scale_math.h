// Scale and zero point from a range: written once, for the host search and the device alike.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/host_device.h"
#include "kernels/integer_range.h"
#include "kernels/log_math.h"

namespace qcal {

// Scale of a tensor that holds only zeros.
inline constexpr double zero_tensor_scale = 0x1p-18;
// Smallest scale handed out: below it float32 arithmetic would work on subnormals, which many devices flush
// to 0.
inline constexpr double smallest_scale = 0x1p-126;

// 2^exponent, exponent in [-1022, 1023].
QCAL_HOST_DEVICE inline double exact_power_of_two(int exponent) {
  const std::uint64_t bits = static_cast<std::uint64_t>(exponent + 1023) << 52;
#if defined(__CUDA_ARCH__)
  return __longlong_as_double(static_cast<long long>(bits));
#else
  return std::bit_cast<double>(bits);
#endif
}

// Exponent e of x = m * 2^e, m in [1, 2); x > 0 and normal.
QCAL_HOST_DEVICE inline int binary_exponent(double x) {
#if defined(__CUDA_ARCH__)
  const std::uint64_t bits = static_cast<std::uint64_t>(__double_as_longlong(x));
#else
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
#endif
  return static_cast<int>((bits >> 52) & 0x7ffu) - 1023;
}

// Half to even; |x| < 2^51.
QCAL_HOST_DEVICE inline double round_half_even(double x) {
  constexpr double shifter = 6755399441055744.0;  // 1.5 * 2^52
  return (x + shifter) - shifter;
}

// A scale that can be used: zero becomes zero_tensor_scale, tiny ones smallest_scale.
QCAL_HOST_DEVICE inline double usable_scale(double scale) {
  if (scale == 0.0) return zero_tensor_scale;
  return scale < smallest_scale ? smallest_scale : scale;
}

// amax >= 0 maps to qmax.
QCAL_HOST_DEVICE inline double symmetric_scale(double amax, IntegerRange range) {
  return usable_scale(amax / static_cast<double>(range.qmax));
}

// [low, high], widened to include 0, maps onto [qmin, qmax].
QCAL_HOST_DEVICE inline double asymmetric_scale(double low, double high, IntegerRange range) {
  const double bottom = low < 0.0 ? low : 0.0;
  const double top = high > 0.0 ? high : 0.0;
  return usable_scale((top - bottom) / static_cast<double>(range.steps()));
}

// The integer of real 0, in [qmin, qmax], for a range whose lower end is `low` (0 where positive).
QCAL_HOST_DEVICE inline std::int64_t asymmetric_zero_point(double low, double scale, IntegerRange range) {
  if (!(low < 0.0)) return range.qmin;
  const double steps = -low / scale;
  const double most = static_cast<double>(range.steps());
  return range.qmin + static_cast<std::int64_t>(round_half_even(steps < most ? steps : most));
}

// Largest power of two that a scale, a float32 number in the end, can be.
inline constexpr double largest_power_of_two_scale = 0x1p127;

// The smallest power of two that is at least `scale`, scale in [2^-126, 2^128); 2^127 where that does not
// suffice.
QCAL_HOST_DEVICE inline double covering_power_of_two(double scale) {
  const double below = exact_power_of_two(binary_exponent(scale));
  if (below >= largest_power_of_two_scale) return largest_power_of_two_scale;
  return below < scale ? 2.0 * below : below;
}

// The first fix position that vai_q_pytorch tries: the largest whose range of b bits, half a step beyond its
// ends, still holds [min, max]; 18 for zeros. All float32; log2 is rounded correctly to float32 before the
// floor, so a hair below a whole number counts as that number. 128 stands for its overflow on subnormal data.
QCAL_HOST_DEVICE inline int vitis_top_fix_pos(float min, float max, int bit_width) {
  const float half = static_cast<float>(std::int64_t{1} << (bit_width - 1));
  const float from_min = min / (-half - 0.5f);
  const float from_max = max / (half - 0.5f);
  const float step = from_max > from_min ? from_max : from_min;
  if (!(step > 0.0f)) return 18;
  const float inverse = 1.0f / step;
  if (!(inverse - inverse == 0.0f)) return 128;
  constexpr double ln2 = 0.693147180559945309417;
  const float log2 = static_cast<float>(search_log(static_cast<double>(inverse)) / ln2);
  const int truncated = static_cast<int>(log2);
  return static_cast<float>(truncated) > log2 ? truncated - 1 : truncated;
}

}  // namespace qcal
