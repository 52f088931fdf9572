// The natural logarithm of the scale search: one source, no FMA, the same bits on every machine.
//
// libm's log changes with the CPU (FMA variants), so an entropy near-tie could choose another candidate
// elsewhere.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/host_device.h"

namespace qcal {

// ln(x) for finite x > 0 (subnormals included); error below 1 ulp. ln(1) is exactly 0.
//
// x = 2^k * m with m = 1 + f in [sqrt(1/2), sqrt(2)); ln m = 2 atanh(s), s = f/(2+f), |s| < 0.1716, by its
// series to s^23 (the first term left out is below 2^-62 of the result), in the form f - (f^2/2 - s * (...)):
// f is exact, and the rounding errors of s only reach the smaller terms. k*ln2 is added in two parts, the
// first exact.
QCAL_HOST_DEVICE inline double search_log(double x) {
  int k = 0;
  if (x < 2.2250738585072014e-308) {  // subnormal
    x *= 18014398509481984.0;         // 2^54
    k = -54;
  }
#if defined(__CUDA_ARCH__)
  std::uint64_t bits = static_cast<std::uint64_t>(__double_as_longlong(x));
#else
  std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
#endif
  // Adding this constant carries into the exponent exactly when the mantissa is sqrt(2) or more.
  constexpr std::uint64_t sqrt_half_offset = 0x3ff0000000000000u - 0x3fe6a09e667f3bcdu;
  bits += sqrt_half_offset;
  k += static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu;
#if defined(__CUDA_ARCH__)
  const double m = __longlong_as_double(static_cast<long long>(bits));
#else
  const double m = std::bit_cast<double>(bits);
#endif
  const double f = m - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  double series = 1.0 / 23.0;
  series = series * z + 1.0 / 21.0;
  series = series * z + 1.0 / 19.0;
  series = series * z + 1.0 / 17.0;
  series = series * z + 1.0 / 15.0;
  series = series * z + 1.0 / 13.0;
  series = series * z + 1.0 / 11.0;
  series = series * z + 1.0 / 9.0;
  series = series * z + 1.0 / 7.0;
  series = series * z + 1.0 / 5.0;
  series = series * z + 1.0 / 3.0;
  const double half_square = 0.5 * f * f;
  const double scaled = static_cast<double>(k);
  constexpr double ln2_high = 6.93147180369123816490e-01;  // 33 bits: k * ln2_high is exact
  constexpr double ln2_low = 1.90821492927058770002e-10;
  const double correction = s * (half_square + 2.0 * (z * series)) + scaled * ln2_low;
  return scaled * ln2_high - ((half_square - correction) - f);
}

}  // namespace qcal
