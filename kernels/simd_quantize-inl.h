// quantize_math.h for vectors: the same bits, lane by lane. Included once for every instruction set.
#if defined(QCAL_KERNELS_SIMD_QUANTIZE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef QCAL_KERNELS_SIMD_QUANTIZE_INL_H
#undef QCAL_KERNELS_SIMD_QUANTIZE_INL_H
#else
#define QCAL_KERNELS_SIMD_QUANTIZE_INL_H
#endif

#include <hwy/highway.h>

#include "kernels/exact_division_math.h"
#include "kernels/rounding.h"

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// round_to_integral() but for the sign of a zero. v less its whole part is exact.
template <Rounding mode, class D, class V = hn::Vec<D>>
HWY_INLINE V round_lanes(D d, V v) {
  if constexpr (mode == Rounding::half_even) {
    return hn::Round(v);
  } else if constexpr (mode == Rounding::half_up) {
    const V below = hn::Floor(v);
    const auto up = hn::Ge(hn::Sub(v, below), hn::Set(d, 0.5f));
    return hn::Add(below, hn::IfThenElseZero(up, hn::Set(d, 1.0f)));
  } else if constexpr (mode == Rounding::std_round) {
    // The largest float below 1/2: with 1/2 itself, 1/2 - 2^-25 would be rounded up to 1 by the addition.
    return hn::Trunc(hn::Add(v, hn::CopySign(hn::Set(d, 0.49999997f), v)));
  } else {
    const V whole = hn::Trunc(v);
    const auto away = hn::Gt(hn::Abs(hn::Sub(v, whole)), hn::Set(d, 0.5f));
    return hn::Add(whole, hn::IfThenElseZero(away, hn::CopySign(hn::Set(d, 1.0f), v)));
  }
}

// quotient() of exact_division_math.h. Not Highway's MulAdd, which rounds twice where no instruction fuses.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V quotient_lanes(D, V x, V divisor, V reciprocal) {
#if HWY_NATIVE_FMA
  const V about = hn::Mul(x, reciprocal);
  const V close = hn::MulAdd(hn::NegMulAdd(about, divisor, x), reciprocal, about);
  return hn::MulAdd(hn::NegMulAdd(close, divisor, x), reciprocal, close);
#else
  static_cast<void>(reciprocal);
  return hn::Div(x, divisor);
#endif
}

}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // QCAL_KERNELS_SIMD_QUANTIZE_INL_H
