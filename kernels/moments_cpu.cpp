#include "kernels/moments.h"

#include "kernels/whole_chunks.h"

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/moments_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {
namespace {

// add_moments() for vectors.
void moments_of(const float* values, std::size_t chunks, std::size_t rows, MomentSums* sums) {
  const hn::CappedTag<float, ordered_sum_lanes> d;
  using V = hn::Vec<decltype(d)>;
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    const float* const from = values + chunk * ordered_sum_chunk;
    float sum_lanes[ordered_sum_lanes];
    float square_lanes[ordered_sum_lanes];
    for (std::size_t column = 0; column < ordered_sum_lanes; column += hn::Lanes(d)) {
      V sum = hn::Zero(d);
      V square = hn::Zero(d);
      for (std::size_t row = 0; row < rows; ++row) {
        const V loaded = hn::LoadU(d, from + row * ordered_sum_lanes + column);
        const V x = hn::IfThenElseZero(hn::Lt(hn::Abs(loaded), infinity), loaded);
        sum = hn::Add(sum, x);
        square = hn::Add(square, hn::Mul(x, x));
      }
      hn::StoreU(sum, d, sum_lanes + column);
      hn::StoreU(square, d, square_lanes + column);
    }
    sums[chunk] = {add_lanes_of(sum_lanes), add_lanes_of(square_lanes)};
  }
}

}  // namespace
}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qcal {
namespace {

HWY_EXPORT(moments_of);

}  // namespace

void chunk_moments(std::span<const float> values, MomentSums* sums) {
  for_whole_chunks(values, sums, HWY_DYNAMIC_DISPATCH(moments_of));
}

}  // namespace qcal
#endif
