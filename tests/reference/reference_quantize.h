// Rounding and quantizing one element, naively, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/integer_range.h"
#include "kernels/rounding.h"

namespace qcal::testing {

// Exact for every v that is a float: v - floor(v) then has no rounding where a tie can occur.
inline double reference_round(double v, Rounding mode) {
  if (std::isnan(v) || std::isinf(v)) return v;
  const double below = std::floor(v);
  const double rest = v - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1.0;
  switch (mode) {
    case Rounding::half_up:
      return below + 1.0;
    case Rounding::half_down:
      return v < 0.0 ? below + 1.0 : below;
    case Rounding::std_round:
      return v < 0.0 ? below : below + 1.0;
    case Rounding::half_even:
      break;
  }
  return std::fmod(below, 2.0) == 0.0 ? below : below + 1.0;
}

struct ReferenceQuantizer {
  float scale = 1.0f;
  std::int64_t zero_point = 0;
  IntegerRange range;
  Rounding rounding = Rounding::half_even;
};

// f32(x / scale). The float32 quotient of two floats is the double quotient rounded once more: 53 >= 2 * 24 +
// 2 bits.
inline double reference_steps(float x, const ReferenceQuantizer& quantizer) {
  return static_cast<float>(static_cast<double>(x) / static_cast<double>(quantizer.scale));
}

// q = clamp(round(f32(x / scale)) + zero_point), as ONNX defines it. NaN counts as 0, which is zero_point.
inline double reference_integer(float x, const ReferenceQuantizer& quantizer) {
  if (std::isnan(x)) return static_cast<double>(quantizer.zero_point);
  const double rounded = reference_round(reference_steps(x, quantizer), quantizer.rounding) +
                         static_cast<double>(quantizer.zero_point);
  return std::clamp(rounded, static_cast<double>(quantizer.range.qmin),
                    static_cast<double>(quantizer.range.qmax));
}

// f32((q - zero_point) * scale): the double product of two floats is exact.
inline float reference_fake_quantize(float x, const ReferenceQuantizer& quantizer) {
  const double steps = reference_integer(x, quantizer) - static_cast<double>(quantizer.zero_point);
  return static_cast<float>(steps * static_cast<double>(quantizer.scale));
}

// What quantizing x loses, in steps.
inline double reference_step_error(float x, const ReferenceQuantizer& quantizer) {
  const double steps = reference_integer(x, quantizer) - static_cast<double>(quantizer.zero_point);
  return reference_steps(x, quantizer) - steps;
}

}  // namespace qcal::testing
