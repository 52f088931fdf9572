// Values stored in any of the dtypes that tensors have, rounded naively.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "kernels/tensor_view.h"

namespace qcal::testing {

inline constexpr DType all_dtypes[] = {DType::f32, DType::f16, DType::bf16, DType::f64};

// A 16-bit format of sign, exponent and mantissa.
struct SixteenBits {
  int exponent_bits;
  int mantissa_bits;
};

struct Rounded {
  std::uint16_t bits;
  float value;
};

// To nearest, ties to even. Counting in units of the last place carries over into the exponent by itself, up
// to infinity.
inline Rounded rounded_to(const SixteenBits& format, float x) {
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const auto sign = static_cast<std::uint16_t>(std::signbit(x) ? 0x8000 : 0);
  const auto infinite = static_cast<std::uint16_t>(((1 << format.exponent_bits) - 1) << format.mantissa_bits);
  if (std::isnan(x)) return {static_cast<std::uint16_t>(sign | infinite | 1), x};
  int exponent = 0;
  std::frexp(x, &exponent);
  exponent = x == 0.0f ? 1 - bias : std::max(exponent - 1, 1 - bias);
  const double unit = std::ldexp(1.0, exponent - format.mantissa_bits);
  const double units = std::isinf(x) ? 0.0 : std::nearbyint(std::fabs(static_cast<double>(x)) / unit);
  const double patterns =
      std::isinf(x) ? infinite : (exponent + bias - 1) * std::ldexp(1.0, format.mantissa_bits) + units;
  if (patterns >= infinite)
    return {static_cast<std::uint16_t>(sign | infinite),
            std::copysign(std::numeric_limits<float>::infinity(), x)};
  return {static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(patterns)),
          std::copysign(static_cast<float>(units * unit), x)};
}

class TypedTensor {
 public:
  TypedTensor(const std::vector<float>& values, std::vector<std::int64_t> shape, DType dtype)
      : dtype_(dtype), shape_(std::move(shape)) {
    for (const float value : values) store(value);
  }

  // What the elements are as float32.
  const std::vector<float>& values() const { return values_; }
  TensorView view() const { return {bytes_.data(), dtype_, shape_, Memory::host, {}}; }

 private:
  template <class Stored>
  void put(Stored stored, float value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof stored);
    std::memcpy(bytes_.data() + at, &stored, sizeof stored);
    values_.push_back(value);
  }

  void store(float value) {
    if (dtype_ == DType::f32) return put(value, value);
    if (dtype_ == DType::f64) return put(static_cast<double>(value), value);
    const Rounded rounded = rounded_to(dtype_ == DType::f16 ? SixteenBits{5, 10} : SixteenBits{8, 7}, value);
    put(rounded.bits, rounded.value);
  }

  DType dtype_;
  std::vector<std::int64_t> shape_;
  std::vector<unsigned char> bytes_;
  std::vector<float> values_;
};

}  // namespace qcal::testing
