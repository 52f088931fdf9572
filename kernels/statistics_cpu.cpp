#include "kernels/statistics.h"

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/statistics_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

ValueRange range_of_finite_only(const float* values, std::size_t count) {
  ValueRange range;
  range.elements = count;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = values[i];
    if (!is_finite(x)) {
      ++range.non_finite;
      continue;
    }
    range.min = x < range.min ? x : range.min;
    range.max = x > range.max ? x : range.max;
  }
  return range;
}

// Four independent vectors at a time: enough to keep loads in flight while the minima wait for each other.
ValueRange range_of_values(const float* values, std::size_t count) {
  // Loads of a whole cache line get half as much from memory on Zen 5 (20 GB/s, not 38), and no more from
  // caches.
  const hn::CappedTag<float, 8> d;
  using V = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t unroll = 4;
  V low[unroll];
  V high[unroll];
  V suspect[unroll];  // sum of x * 0: 0, or NaN once a value is not finite
  for (std::size_t u = 0; u < unroll; ++u) {
    low[u] = hn::Set(d, std::numeric_limits<float>::infinity());
    high[u] = hn::Set(d, -std::numeric_limits<float>::infinity());
    suspect[u] = hn::Zero(d);
  }
  std::size_t i = 0;
  for (; i + unroll * lanes <= count; i += unroll * lanes) {
    for (std::size_t u = 0; u < unroll; ++u) {
      const V x = hn::LoadU(d, values + i + u * lanes);
      low[u] = hn::Min(low[u], x);
      high[u] = hn::Max(high[u], x);
      suspect[u] = hn::MulAdd(x, hn::Zero(d), suspect[u]);
    }
  }
  for (std::size_t u = 1; u < unroll; ++u) {
    low[0] = hn::Min(low[0], low[u]);
    high[0] = hn::Max(high[0], high[u]);
    suspect[0] = hn::Add(suspect[0], suspect[u]);
  }
  if (!hn::AllTrue(d, hn::Eq(suspect[0], hn::Zero(d)))) return range_of_finite_only(values, count);
  ValueRange range = range_of_finite_only(values + i, count - i);
  range.elements = count;
  const float lowest = hn::GetLane(hn::MinOfLanes(d, low[0]));
  const float highest = hn::GetLane(hn::MaxOfLanes(d, high[0]));
  range.min = lowest < range.min ? lowest : range.min;
  range.max = highest > range.max ? highest : range.max;
  return range;
}

}  // namespace
}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qcal {

HWY_EXPORT(range_of_values);

ValueRange range_of(std::span<const float> values) {
  ValueRange range = HWY_DYNAMIC_DISPATCH(range_of_values)(values.data(), values.size());
  range.min += 0.0f;  // -0 becomes +0: which zero was seen first must not show
  range.max += 0.0f;
  return range;
}

}  // namespace qcal
#endif
