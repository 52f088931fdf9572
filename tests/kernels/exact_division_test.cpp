#include "kernels/exact_division_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <random>

namespace qcal::testing {
namespace {

float from_bits(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}

TEST(ExactDivision, EveryMantissaOfTheDividend) {
  for (const float divisor : {3.0f, 0.37f, 1.0f, 255.0f, from_bits(0x3fffffffu), from_bits(0x3f800001u)}) {
    const ExactDivisor by = exact_divisor(divisor);
    for (std::uint32_t mantissa = 0; mantissa < (1u << 23); ++mantissa) {
      const float x = from_bits(0x42000000u | mantissa);
      ASSERT_EQ(quotient(x, by), x / divisor) << x << " / " << divisor;
    }
  }
}

TEST(ExactDivision, DividendsAndDivisorsOfAllSizes) {
  std::mt19937 random(5);
  std::uniform_int_distribution<std::uint32_t> mantissa(0, (1u << 23) - 1);
  std::uniform_int_distribution<std::uint32_t> divisor_exponent(127 - 60, 127 + 59);
  for (int i = 0; i < 1'000'000; ++i) {
    const std::uint32_t exponent = divisor_exponent(random);
    const float divisor = from_bits(exponent << 23 | mantissa(random));
    std::uniform_int_distribution<std::uint32_t> dividend_exponent(exponent - 40, exponent + 59);
    const std::uint32_t sign = (i & 1) != 0 ? 0x80000000u : 0u;
    const float x = from_bits(sign | dividend_exponent(random) << 23 | mantissa(random));
    ASSERT_TRUE(has_exact_quotients(divisor));
    ASSERT_EQ(quotient(x, exact_divisor(divisor)), x / divisor) << x << " / " << divisor;
  }
}

TEST(ExactDivision, ZerosAndWhatIsSmallStaySmall) {
  const ExactDivisor by = exact_divisor(0x1.8p-60f);
  EXPECT_EQ(quotient(0.0f, by), 0.0f);
  EXPECT_EQ(quotient(-0.0f, by), 0.0f);
  EXPECT_LT(quotient(0x1p-149f, by), 0x1p-80f);
  EXPECT_EQ(quotient(0x1p-149f, exact_divisor(0x1p60f)), 0.0f);
}

TEST(ExactDivision, DivisorsAtTheEndsOfFloat32HaveNone) {
  EXPECT_FALSE(has_exact_quotients(0x1p61f));
  EXPECT_FALSE(has_exact_quotients(0x1p-61f));
  EXPECT_FALSE(has_exact_quotients(0.0f));
  EXPECT_TRUE(has_exact_quotients(0x1p60f));
  EXPECT_TRUE(has_exact_quotients(0x1p-60f));
}

}  // namespace
}  // namespace qcal::testing
