// Quantize and dequantize one element: real = scale * (q - zero_point). Bit-normative.
#pragma once

#include <cstdint>

#include "kernels/host_device.h"
#include "kernels/integer_range.h"
#include "kernels/rounding_math.h"

namespace qcal {

// How x becomes a number of steps. ONNX divides by the scale; vai_q_pytorch multiplies by its float32
// reciprocal.
enum class StepArithmetic { divide, multiply };

template <StepArithmetic arithmetic>
struct ArithmeticTag {
  static constexpr StepArithmetic value = arithmetic;
};

// One tensor's (or channel's) quantizer, ready for the element loop.
struct ElementQuantizer {
  float scale = 1.0f;        // y = steps * scale
  float step_factor = 1.0f;  // divide: the scale again; multiply: its reciprocal
  float lowest = 0.0f;       // qmin - zero_point, as the float that the result takes
  float highest = 0.0f;      // qmax - zero_point
  Rounding rounding = Rounding::half_even;
  StepArithmetic arithmetic = StepArithmetic::divide;
};

// scale > 0 and finite as float32; zero_point in [qmin, qmax] (any int32 for vai_q_pytorch's).
QCAL_HOST_DEVICE inline ElementQuantizer element_quantizer(double scale, std::int64_t zero_point,
                                                           IntegerRange range, Rounding rounding) {
  const float step = static_cast<float>(scale);
  return {step,
          step,
          static_cast<float>(range.qmin - zero_point),
          static_cast<float>(range.qmax - zero_point),
          rounding,
          StepArithmetic::divide};
}

// vai_q_pytorch's CPU kernels: a vanishing scale is replaced by 2^-18, and both directions use rounded
// reciprocals.
inline ElementQuantizer vitis_element_quantizer(double scale, std::int64_t zero_point, IntegerRange range,
                                                Rounding rounding, bool per_channel) {
  double step = scale > 2.2250738585072014e-308 ? scale : 0x1p-18;
  if (per_channel) {
    const float inverse = static_cast<float>(1.0 / step);
    step = static_cast<double>(1.0f / inverse);
  }
  const float inverse = static_cast<float>(1.0 / step);
  ElementQuantizer quantizer = element_quantizer(step, zero_point, range, rounding);
  quantizer.scale = 1.0f / inverse;
  quantizer.step_factor = inverse;
  quantizer.arithmetic = StepArithmetic::multiply;
  return quantizer;
}

// q - zero_point of one element, as an integral float in [lowest, highest]; never -0. NaN becomes 0.
// Clamping first is the same as clamping last, because rounding is monotone and leaves integers alone.
template <Rounding mode, StepArithmetic arithmetic>
QCAL_HOST_DEVICE inline float quantize_steps(float x, const ElementQuantizer& quantizer) {
  float steps = arithmetic == StepArithmetic::divide ? x / quantizer.step_factor : x * quantizer.step_factor;
  steps = steps == steps ? steps : 0.0f;
  steps = steps < quantizer.lowest ? quantizer.lowest : steps;
  steps = steps > quantizer.highest ? quantizer.highest : steps;
  return round_to_integral<mode>(steps) + 0.0f;
}

template <Rounding mode, StepArithmetic arithmetic>
QCAL_HOST_DEVICE inline float fake_quantize(float x, const ElementQuantizer& quantizer) {
  return quantize_steps<mode, arithmetic>(x, quantizer) * quantizer.scale;
}

// Calls work(rounding_tag, arithmetic_tag) with the quantizer's two choices as compile-time constants, so
// that element loops carry no switch.
template <class Work>
QCAL_HOST_DEVICE inline auto with_quantizer_kind(const ElementQuantizer& quantizer, const Work& work) {
  return with_rounding(quantizer.rounding, [&](auto rounding) {
    if (quantizer.arithmetic == StepArithmetic::divide) {
      return work(rounding, ArithmeticTag<StepArithmetic::divide>{});
    }
    return work(rounding, ArithmeticTag<StepArithmetic::multiply>{});
  });
}

}  // namespace qcal
