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
  using D = hn::CappedTag<float, ordered_sum_lanes>;
  sum_chunks(values, chunks, rows, sums, [](hn::Vec<D> loaded, auto& lane_sums) HWY_ATTR {
    const D d;
    const auto finite = hn::Lt(hn::Abs(loaded), hn::Set(d, std::numeric_limits<float>::infinity()));
    const auto x = hn::IfThenElseZero(finite, loaded);
    lane_sums[0] = hn::Add(lane_sums[0], x);
    lane_sums[1] = hn::Add(lane_sums[1], hn::Mul(x, x));
  });
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
