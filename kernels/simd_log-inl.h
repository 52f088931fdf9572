// log_math.h for vectors: the same bits, lane by lane. Included once for every instruction set.
#if defined(QCAL_KERNELS_SIMD_LOG_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef QCAL_KERNELS_SIMD_LOG_INL_H
#undef QCAL_KERNELS_SIMD_LOG_INL_H
#else
#define QCAL_KERNELS_SIMD_LOG_INL_H
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// search_log() step by step, of normal numbers.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V log_lanes(D d, V x) {
  const hn::RebindToUnsigned<D> du;
  const auto real = [&](double value) { return hn::Set(d, value); };
  const auto bits = hn::Add(hn::BitCast(du, x), hn::Set(du, 0x3ff0000000000000u - 0x3fe6a09e667f3bcdu));
  // A small integer as a double: below the bits of 2^52, which is taken away again.
  const auto exponent = hn::Or(hn::ShiftRight<52>(bits), hn::Set(du, 0x4330000000000000u));
  const V k = hn::Sub(hn::BitCast(d, exponent), real(0x1p52 + 1023.0));
  const auto mantissa = hn::And(bits, hn::Set(du, 0x000fffffffffffffu));
  const V m = hn::BitCast(d, hn::Add(mantissa, hn::Set(du, 0x3fe6a09e667f3bcdu)));
  const V f = hn::Sub(m, real(1.0));
  const V s = hn::Div(f, hn::Add(real(2.0), f));
  const V z = hn::Mul(s, s);
  V series = real(1.0 / 23.0);
  for (const double term : {1.0 / 21.0, 1.0 / 19.0, 1.0 / 17.0, 1.0 / 15.0, 1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0,
                            1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0})
    series = hn::Add(hn::Mul(series, z), real(term));
  const V half_square = hn::Mul(hn::Mul(real(0.5), f), f);
  const V inner = hn::Add(half_square, hn::Mul(real(2.0), hn::Mul(z, series)));
  const V correction = hn::Add(hn::Mul(s, inner), hn::Mul(k, real(1.90821492927058770002e-10)));
  const V high = hn::Mul(k, real(6.93147180369123816490e-01));
  return hn::Sub(high, hn::Sub(hn::Sub(half_square, correction), f));
}

}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // QCAL_KERNELS_SIMD_LOG_INL_H
