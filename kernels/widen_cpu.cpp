#include "kernels/half_math.h"
#include "kernels/widen.h"

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/widen_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// With a half's exponent and mantissa in their places, a float32 is 2^112 times too small, subnormal or not.
// Not Highway's PromoteTo, which makes a number of infinity where no instruction converts halves.
void widen_float16_values(const std::uint16_t* from, std::size_t count, float* to) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> wide;
  const hn::Rebind<std::uint16_t, decltype(d)> bits;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto half = hn::PromoteTo(wide, hn::LoadU(bits, from + i));
    const auto magnitude = hn::And(half, hn::Set(wide, 0x7fffu));
    const auto sign = hn::ShiftLeft<16>(hn::Xor(half, magnitude));
    const auto placed = hn::ShiftLeft<13>(magnitude);
    const auto number = hn::BitCast(wide, hn::Mul(hn::BitCast(d, placed), hn::Set(d, 0x1p112f)));
    const auto endless = hn::Or(placed, hn::Set(wide, 0x7f800000u));
    const auto is_number = hn::Lt(magnitude, hn::Set(wide, 0x7c00u));
    hn::StoreU(hn::BitCast(d, hn::Or(sign, hn::IfThenElse(is_number, number, endless))), d, to + i);
  }
  for (; i < count; ++i) to[i] = float16_to_float(from[i]);
}

void widen_bfloat16_values(const std::uint16_t* from, std::size_t count, float* to) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> wide;
  const hn::Rebind<std::uint16_t, decltype(d)> bits;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto high = hn::ShiftLeft<16>(hn::PromoteTo(wide, hn::LoadU(bits, from + i)));
    hn::StoreU(hn::BitCast(d, high), d, to + i);
  }
  for (; i < count; ++i) to[i] = bfloat16_to_float(from[i]);
}

// Not by Highway's DemoteTo, which may clamp what is beyond float32; compilers find the instruction.
void narrow_float64_values(const double* from, std::size_t count, float* to) {
  for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i]);
}

}  // namespace
}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qcal {

HWY_EXPORT(widen_float16_values);
HWY_EXPORT(widen_bfloat16_values);
HWY_EXPORT(narrow_float64_values);

void widen_float16(const std::uint16_t* from, std::size_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(widen_float16_values)(from, count, to);
}

void widen_bfloat16(const std::uint16_t* from, std::size_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(widen_bfloat16_values)(from, count, to);
}

void narrow_float64(const double* from, std::size_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(narrow_float64_values)(from, count, to);
}

}  // namespace qcal
#endif
