// add_lanes() of ordered_sum_math.h for vectors. Included once for every instruction set.
#if defined(QCAL_KERNELS_SIMD_SUMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef QCAL_KERNELS_SIMD_SUMS_INL_H
#undef QCAL_KERNELS_SIMD_SUMS_INL_H
#else
#define QCAL_KERNELS_SIMD_SUMS_INL_H
#endif

#include <hwy/highway.h>

#include "kernels/ordered_sum_math.h"

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// out[i] = in[i] + in[i + half], i < half.
template <int half>
HWY_INLINE void add_halves(const double* in, double* out) {
  const hn::CappedTag<double, half> d;
  for (std::size_t i = 0; i < half; i += hn::Lanes(d)) {
    hn::StoreU(hn::Add(hn::LoadU(d, in + i), hn::LoadU(d, in + i + half)), d, out + i);
  }
}

HWY_INLINE double add_lanes_of(const float* lanes) {
  constexpr int half = ordered_sum_lanes / 2;
  const hn::CappedTag<double, half> d;
  const hn::Rebind<float, decltype(d)> narrow;
  double eight[half];
  for (std::size_t i = 0; i < half; i += hn::Lanes(d)) {
    const auto low = hn::PromoteTo(d, hn::LoadU(narrow, lanes + i));
    const auto high = hn::PromoteTo(d, hn::LoadU(narrow, lanes + i + half));
    hn::StoreU(hn::Add(low, high), d, eight + i);
  }
  double four[half / 2];
  double two[half / 4];
  add_halves<half / 2>(eight, four);
  add_halves<half / 4>(four, two);
  return two[0] + two[1];
}

}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // QCAL_KERNELS_SIMD_SUMS_INL_H
