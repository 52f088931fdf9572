#include "kernels/search_logs.h"

#include <cstddef>

#include "kernels/log_math.h"

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/search_logs.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd_log-inl.h"

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void logs(const double* values, std::size_t count, double* out) {
  const hn::ScalableTag<double> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(log_lanes(d, hn::LoadU(d, values + i)), d, out + i);
  for (; i < count; ++i) out[i] = search_log(values[i]);
}

}  // namespace
}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qcal {

HWY_EXPORT(logs);

void search_logs(std::span<const double> values, std::span<double> out) {
  HWY_DYNAMIC_DISPATCH(logs)(values.data(), values.size(), out.data());
}

}  // namespace qcal
#endif
