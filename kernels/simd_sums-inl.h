// add_lanes() of ordered_sum_math.h for vectors. Included once for every instruction set.
#if defined(QCAL_KERNELS_SIMD_SUMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef QCAL_KERNELS_SIMD_SUMS_INL_H
#undef QCAL_KERNELS_SIMD_SUMS_INL_H
#else
#define QCAL_KERNELS_SIMD_SUMS_INL_H
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>

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

// sums[c] of each of `chunks` chunks of `rows` rows: add(values, lane_sums) adds a vector of values to a
// vector of each term's lanes.
template <std::size_t terms, class Add>
HWY_INLINE void sum_chunks(const float* values, std::size_t chunks, std::size_t rows,
                           std::array<double, terms>* sums, const Add& add) {
  const hn::CappedTag<float, ordered_sum_lanes> d;
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    const float* const from = values + chunk * ordered_sum_chunk;
    float lanes[terms][ordered_sum_lanes];
    for (std::size_t column = 0; column < ordered_sum_lanes; column += hn::Lanes(d)) {
      hn::Vec<decltype(d)> lane_sums[terms];
      for (std::size_t k = 0; k < terms; ++k) lane_sums[k] = hn::Zero(d);
      for (std::size_t row = 0; row < rows; ++row) {
        add(hn::LoadU(d, from + row * ordered_sum_lanes + column), lane_sums);
      }
      for (std::size_t k = 0; k < terms; ++k) hn::StoreU(lane_sums[k], d, lanes[k] + column);
    }
    for (std::size_t k = 0; k < terms; ++k) sums[chunk][k] = add_lanes_of(lanes[k]);
  }
}

}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // QCAL_KERNELS_SIMD_SUMS_INL_H
