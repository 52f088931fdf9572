#include "kernels/fake_quantize.h"

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fake_quantize_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd_quantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {
namespace {

template <Rounding mode, StepArithmetic arithmetic>
void fake_quantize_lanes(const float* values, std::size_t count, const ElementQuantizer& quantizer,
                         float* out) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, quantizer.step_factor);
  const auto lowest = hn::Set(d, quantizer.lowest);
  const auto highest = hn::Set(d, quantizer.highest);
  const auto scale = hn::Set(d, quantizer.scale);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto x = hn::LoadU(d, values + i);
    auto steps = arithmetic == StepArithmetic::divide ? hn::Div(x, factor) : hn::Mul(x, factor);
    steps = hn::IfThenElseZero(hn::Eq(steps, steps), steps);
    steps = hn::Min(hn::Max(steps, lowest), highest);
    const auto rounded = hn::Add(round_lanes<mode>(d, steps), hn::Zero(d));  // -0 becomes +0
    hn::StoreU(hn::Mul(rounded, scale), d, out + i);
  }
  for (; i < count; ++i) out[i] = fake_quantize<mode, arithmetic>(values[i], quantizer);
}

void fake_quantize_values(const float* values, std::size_t count, const ElementQuantizer& quantizer,
                          float* out) {
  with_quantizer_kind(quantizer, [&](auto rounding, auto arithmetic) {
    fake_quantize_lanes<rounding.value, arithmetic.value>(values, count, quantizer, out);
  });
}

}  // namespace
}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qcal {

HWY_EXPORT(fake_quantize_values);

void fake_quantize(std::span<const float> values, const ElementQuantizer& quantizer, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(fake_quantize_values)(values.data(), values.size(), quantizer, out.data());
}

}  // namespace qcal
#endif
