#include "kernels/half_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace qcal::testing {
namespace {

// sign * mantissa * 2^exponent from the fields of a 16-bit format.
struct Format {
  int exponent_bits;
  int mantissa_bits;
};

constexpr Format float16{.exponent_bits = 5, .mantissa_bits = 10};
constexpr Format bfloat16{.exponent_bits = 8, .mantissa_bits = 7};

double reference_value(unsigned bits, const Format& format) {
  const int fraction = static_cast<int>(bits & ((1u << format.mantissa_bits) - 1));
  const int exponent = static_cast<int>((bits >> format.mantissa_bits) & ((1u << format.exponent_bits) - 1));
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const double sign = bits >> 15 != 0 ? -1.0 : 1.0;
  if (exponent == (1 << format.exponent_bits) - 1) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  const int hidden = exponent == 0 ? 0 : 1 << format.mantissa_bits;
  return sign * std::ldexp(hidden + fraction, (exponent == 0 ? 1 : exponent) - bias - format.mantissa_bits);
}

void expect_every_pattern(const Format& format, float (*widen)(std::uint16_t)) {
  for (unsigned bits = 0; bits < 65'536; ++bits) {
    const float ours = widen(static_cast<std::uint16_t>(bits));
    const double expected = reference_value(bits, format);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(ours)) << bits;
      // Sign and payload stay, the payload in the upper bits.
      const unsigned payload = (bits & ((1u << format.mantissa_bits) - 1)) << (23 - format.mantissa_bits);
      ASSERT_EQ(std::bit_cast<std::uint32_t>(ours), (bits & 0x8000u) << 16 | 0x7f800000u | payload) << bits;
      continue;
    }
    ASSERT_EQ(static_cast<double>(ours), expected) << bits;
    ASSERT_EQ(std::signbit(ours), bits >> 15 != 0) << bits;
  }
}

TEST(HalfMath, EveryFloat16Pattern) {
  expect_every_pattern(float16, float16_to_float);
}

TEST(HalfMath, EveryBfloat16Pattern) {
  expect_every_pattern(bfloat16, bfloat16_to_float);
}

}  // namespace
}  // namespace qcal::testing
