#include "kernels/scale_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/candidate_scales_math.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

constexpr IntegerRange int8{-128, 127};
constexpr IntegerRange uint8{0, 255};

bool usable_as_float(double scale) {
  const auto single = static_cast<float>(scale);
  return std::isfinite(single) && single >= std::numeric_limits<float>::min();
}

TEST(ScaleMath, PowersAndExponents) {
  for (int exponent = -1022; exponent <= 1023; ++exponent) {
    ASSERT_EQ(exact_power_of_two(exponent), std::ldexp(1.0, exponent));
    ASSERT_EQ(binary_exponent(std::ldexp(1.0, exponent)), exponent);
    ASSERT_EQ(binary_exponent(std::ldexp(1.9999999, exponent)), exponent);
  }
}

TEST(ScaleMath, RoundHalfEven) {
  for (const double x :
       {0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994, 1e15 + 0.5, -123456789.5, 0x1p50 + 0.5}) {
    EXPECT_EQ(round_half_even(x), std::nearbyint(x)) << x;
  }
}

TEST(ScaleMath, SymmetricScale) {
  EXPECT_EQ(symmetric_scale(12.7, int8), 12.7 / 127.0);
  EXPECT_EQ(symmetric_scale(0.0, int8), 0x1p-18);
  EXPECT_EQ(symmetric_scale(-0.0, int8), 0x1p-18);
  // Float32 subnormals are no scales.
  EXPECT_EQ(symmetric_scale(static_cast<double>(smallest_subnormal), int8), 0x1p-126);
  for (const int bits : {2, 8, 16, 32}) {
    EXPECT_TRUE(usable_as_float(symmetric_scale(largest_float, integer_range(bits, true, false)))) << bits;
    EXPECT_TRUE(usable_as_float(symmetric_scale(1e-45, integer_range(bits, true, false)))) << bits;
  }
}

TEST(ScaleMath, AsymmetricRangesHoldZero) {
  struct Case {
    double low, high;
    IntegerRange range;
    double scale;
    std::int64_t zero_point;
  };
  const Case cases[] = {
      {.low = -1.0, .high = 1.55, .range = uint8, .scale = 2.55 / 255.0, .zero_point = 100},
      {.low = -1.0, .high = 1.55, .range = int8, .scale = 2.55 / 255.0, .zero_point = -28},
      {.low = 3.0, .high = 5.1, .range = uint8, .scale = 5.1 / 255.0, .zero_point = 0},
      {.low = 3.0, .high = 5.1, .range = int8, .scale = 5.1 / 255.0, .zero_point = -128},
      {.low = -5.1, .high = -3.0, .range = uint8, .scale = 5.1 / 255.0, .zero_point = 255},
      {.low = 0.0, .high = 0.0, .range = uint8, .scale = 0x1p-18, .zero_point = 0},
      {.low = -1e-45, .high = 0.0, .range = uint8, .scale = 0x1p-126, .zero_point = 0},
  };
  for (const Case& c : cases) {
    const double scale = asymmetric_scale(c.low, c.high, c.range);
    EXPECT_EQ(scale, c.scale) << c.low << " " << c.high;
    EXPECT_EQ(asymmetric_zero_point(c.low, scale, c.range), c.zero_point) << c.low << " " << c.high;
  }
  SplitMix64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const IntegerRange range =
        integer_range(2 + static_cast<int>(random.below(15)), random.below(2) == 0, false);
    const double low = -std::ldexp(random.uniform(), static_cast<int>(random.below(240)) - 120);
    const double high = std::ldexp(random.uniform(), static_cast<int>(random.below(240)) - 120);
    const double scale = asymmetric_scale(low, high, range);
    const std::int64_t zero_point = asymmetric_zero_point(low, scale, range);
    ASSERT_GE(zero_point, range.qmin);
    ASSERT_LE(zero_point, range.qmax);
    // Rounding the zero point moves both ends by at most half a step (and a rounding error of the quotient).
    const double slack = 0.5 * scale * (1.0 + 1e-9);
    ASSERT_LE(static_cast<double>(range.qmin - zero_point) * scale, low + slack);
    ASSERT_GE(static_cast<double>(range.qmax - zero_point) * scale, high - slack);
  }
}

TEST(ScaleMath, CoveringPowerOfTwo) {
  for (int exponent = -126; exponent <= 126; ++exponent) {
    const double power = std::ldexp(1.0, exponent);
    ASSERT_EQ(covering_power_of_two(power), power);
    ASSERT_EQ(covering_power_of_two(std::nextafter(power, 1e300)), 2.0 * power);
    ASSERT_EQ(covering_power_of_two(std::nextafter(power, 0.0)), power);
  }
}

// Two bits and the largest floats need more than 2^127, which float32 does not have.
TEST(ScaleMath, CoveringPowerOfTwoStaysAFloat) {
  EXPECT_EQ(covering_power_of_two(largest_float), 0x1p127);
  for (const int bits : {2, 3, 8, 16}) {
    for (const bool symmetric : {true, false}) {
      const CandidateSpec spec{.rule = CandidateRule::power_of_two,
                               .bit_width = bits,
                               .range = integer_range(bits, true, false),
                               .symmetric = symmetric,
                               .rounding = Rounding::half_even};
      const ValueRange range{.min = -largest_float, .max = largest_float, .elements = 2};
      for (int k = 0; k < diffs_candidates; ++k) {
        EXPECT_TRUE(usable_as_float(candidate_scale(spec, range, k).scale))
            << bits << " " << symmetric << " " << k;
      }
    }
  }
}

// semantics: step = max(f32(min/f32(-A-0.5)), f32(max/f32(A-0.5))), A = 2^(b-1); floor of the correctly
// rounded float32 log2 of f32(1/step).
int reference_top(float min, float max, int bits) {
  const double half = std::ldexp(1.0, bits - 1);
  const auto from_min =
      static_cast<float>(static_cast<double>(min) / static_cast<double>(static_cast<float>(-half - 0.5)));
  const auto from_max =
      static_cast<float>(static_cast<double>(max) / static_cast<double>(static_cast<float>(half - 0.5)));
  const float step = std::fmax(from_min, from_max);
  if (!(step > 0.0f)) return 18;
  const auto inverse = static_cast<float>(1.0 / static_cast<double>(step));
  return static_cast<int>(std::floor(static_cast<float>(std::log2(static_cast<long double>(inverse)))));
}

TEST(ScaleMath, VitisTopFixPosNearPowersOfTwo) {
  int rounded_up = 0;
  for (const int bits : {2, 4, 8, 16}) {
    const double top_of_range = std::ldexp(1.0, bits - 1) - 0.5;
    for (int exponent = -100; exponent <= 100; ++exponent) {
      const auto center = static_cast<float>(std::ldexp(top_of_range, exponent));
      float max = center;
      for (int i = 0; i < 4; ++i) max = std::nextafter(max, 0.0f);
      for (int i = 0; i < 9; ++i) {
        const int expected = reference_top(0.0f, max, bits);
        ASSERT_EQ(vitis_top_fix_pos(0.0f, max, bits), expected) << bits << " " << std::hexfloat << max;
        if (max > center && expected == -exponent) ++rounded_up;
        max = std::nextafter(max, infinity);
      }
    }
  }
  EXPECT_GT(rounded_up, 100) << "the correctly rounded logarithm never mattered: the test is blind";
}

TEST(ScaleMath, VitisTopFixPosOfAnyRange) {
  SplitMix64 random(3);
  for (int i = 0; i < 100'000; ++i) {
    const auto min =
        static_cast<float>(-std::ldexp(random.uniform(), static_cast<int>(random.below(200)) - 100));
    const auto max =
        static_cast<float>(std::ldexp(random.uniform(), static_cast<int>(random.below(200)) - 100));
    const int bits = 2 + static_cast<int>(random.below(15));
    ASSERT_EQ(vitis_top_fix_pos(min, max, bits), reference_top(min, max, bits))
        << min << " " << max << " " << bits;
  }
  EXPECT_EQ(vitis_top_fix_pos(0.0f, 0.0f, 8), 18);
  EXPECT_EQ(vitis_top_fix_pos(1e-45f, 1e-45f, 8), 18);  // 1e-45/127.5 is 0 in float32
  EXPECT_EQ(vitis_top_fix_pos(0.0f, 1e-40f, 2), 128);   // 1/step overflows
  EXPECT_EQ(vitis_top_fix_pos(-3e38f, 3e38f, 8), reference_top(-3e38f, 3e38f, 8));
}

TEST(CandidateScales, HalveTheCoveringScale) {
  const ValueRange range{.min = -3.0f, .max = 2.0f, .elements = 2};
  CandidateSpec spec{.rule = CandidateRule::halving, .bit_width = 8, .range = int8};
  for (int k = 0; k < diffs_candidates; ++k) {
    EXPECT_EQ(candidate_scale(spec, range, k).scale, 3.0 / 127.0 / (1 << k));
    EXPECT_EQ(candidate_scale(spec, range, k).zero_point, 0);
  }
  spec.rule = CandidateRule::power_of_two;
  for (int k = 0; k < diffs_candidates; ++k)
    EXPECT_EQ(candidate_scale(spec, range, k).scale, 0.03125 / (1 << k));
  spec.symmetric = false;
  spec.rule = CandidateRule::halving;
  for (int k = 0; k < diffs_candidates; ++k) {
    EXPECT_EQ(candidate_scale(spec, range, k).scale, 5.0 / 255.0 / (1 << k));
    EXPECT_EQ(candidate_scale(spec, range, k).zero_point, -128 + 153);
  }
}

TEST(CandidateScales, ZerosAndNothing) {
  const CandidateSpec spec{.rule = CandidateRule::halving, .bit_width = 8, .range = int8};
  for (const ValueRange& range : {ValueRange{}, ValueRange{.min = 0.0f, .max = 0.0f, .elements = 5}}) {
    for (int k = 0; k < diffs_candidates; ++k) EXPECT_EQ(candidate_scale(spec, range, k).scale, 0x1p-18);
  }
}

}  // namespace
}  // namespace qcal::testing
