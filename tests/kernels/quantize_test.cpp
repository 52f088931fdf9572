#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "kernels/quantize_math.h"
#include "tests/reference/reference_quantize.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

constexpr Rounding all_roundings[] = {Rounding::half_even, Rounding::half_up, Rounding::half_down,
                                      Rounding::std_round};

float steps_of(float x, const ElementQuantizer& quantizer) {
  return with_quantizer_kind(quantizer, [&](auto rounding, auto arithmetic) {
    return quantize_steps<rounding.value, arithmetic.value>(x, quantizer);
  });
}

float fake_quantized(float x, const ElementQuantizer& quantizer) {
  return with_quantizer_kind(quantizer, [&](auto rounding, auto arithmetic) {
    return fake_quantize<rounding.value, arithmetic.value>(x, quantizer);
  });
}

// Values that matter to a quantizer: ties and their neighbours, both ends, far outside, tiny, not finite.
std::vector<float> probes(const ReferenceQuantizer& quantizer) {
  std::vector<float> values = {0.0f,  -0.0f,         smallest_subnormal, 1e-40f,
                               3e38f, largest_float, infinity,           nan_value};
  SplitMix64 random(7);
  const double low = static_cast<double>(quantizer.range.qmin - quantizer.zero_point);
  const double high = static_cast<double>(quantizer.range.qmax - quantizer.zero_point);
  for (int i = 0; i < 60; ++i) {
    const double level = std::floor(low + random.uniform() * (high - low));
    const auto tie = static_cast<float>((level + 0.5) * static_cast<double>(quantizer.scale));
    values.insert(values.end(), {tie, std::nextafter(tie, infinity), std::nextafter(tie, -infinity)});
    values.push_back(static_cast<float>((low + random.uniform() * (high - low)) * 1.2 * quantizer.scale));
  }
  for (const double end : {low, high, low - 0.5, high + 0.5}) {
    values.push_back(static_cast<float>(end * static_cast<double>(quantizer.scale)));
  }
  const std::size_t count = values.size();
  for (std::size_t i = 0; i < count; ++i) values.push_back(-values[i]);
  return values;
}

TEST(Quantize, DividingMatchesTheReference) {
  for (const int bits : {2, 3, 4, 5, 8, 12, 16}) {
    for (const bool is_signed : {true, false}) {
      for (const bool narrow : {false, true}) {
        const IntegerRange range = integer_range(bits, is_signed, narrow);
        for (const std::int64_t zero_point : {std::int64_t{0}, range.qmin, range.qmax, range.qmin + 1}) {
          for (const float scale :
               {1.0f, 0.0078125f, 0.1f, 0x1p-126f, 2.7e36f / static_cast<float>(range.steps())}) {
            for (const Rounding rounding : all_roundings) {
              const ReferenceQuantizer reference{scale, zero_point, range, rounding};
              const ElementQuantizer quantizer = element_quantizer(scale, zero_point, range, rounding);
              for (const float x : probes(reference)) {
                const double integer = steps_of(x, quantizer) + static_cast<double>(zero_point);
                ASSERT_EQ(integer, reference_integer(x, reference))
                    << bits << " bits, scale " << scale << ", x " << x;
                const float y = fake_quantized(x, quantizer);
                ASSERT_EQ(y, reference_fake_quantize(x, reference))
                    << bits << " bits, scale " << scale << ", x " << x;
                ASSERT_FALSE(y == 0.0f && std::signbit(y)) << "-0 of " << x;
              }
            }
          }
        }
      }
    }
  }
}

TEST(Quantize, TheScaleIsRoundedToFloat32Once) {
  const double scale = 0.1;
  const ElementQuantizer quantizer = element_quantizer(scale, 0, {-128, 127}, Rounding::half_even);
  EXPECT_EQ(quantizer.scale, 0.1f);
  EXPECT_EQ(fake_quantized(12.7f, quantizer), 127.0f * 0.1f);
}

// semantics: amp = f32(1/scale), r = round(f32(x * amp)), y = f32((r clamped) * f32(1/amp)); per channel the
// scale first goes through a float32 reciprocal and back.
TEST(Quantize, VitisArithmetic) {
  for (const bool per_channel : {false, true}) {
    for (const double scale : {0.1, 1.0 / 51.3, 3.7e-5, 0x1p-7, 123.4}) {
      double used = scale;
      if (per_channel) {
        const auto inverse = static_cast<float>(1.0 / scale);
        used = static_cast<double>(static_cast<float>(1.0 / static_cast<double>(inverse)));
      }
      const auto amplitude = static_cast<float>(1.0 / used);
      const auto back = static_cast<float>(1.0 / static_cast<double>(amplitude));
      for (const std::int64_t zero_point : {std::int64_t{0}, std::int64_t{93}, std::int64_t{300}}) {
        const ElementQuantizer quantizer =
            vitis_element_quantizer(scale, zero_point, {0, 255}, Rounding::half_up, per_channel);
        SplitMix64 random(11);
        for (int i = 0; i < 500; ++i) {
          const auto x = static_cast<float>(400.0 * scale * (random.uniform() - 0.5));
          const auto product = static_cast<float>(static_cast<double>(x) * static_cast<double>(amplitude));
          const double integer = std::clamp(
              reference_round(product, Rounding::half_up) + static_cast<double>(zero_point), 0.0, 255.0);
          const auto expected =
              static_cast<float>((integer - static_cast<double>(zero_point)) * static_cast<double>(back));
          ASSERT_EQ(fake_quantized(x, quantizer), expected)
              << x << " scale " << scale << " zp " << zero_point;
        }
      }
    }
  }
}

TEST(Quantize, VitisReplacesAVanishingScale) {
  for (const bool per_channel : {false, true}) {
    const ElementQuantizer quantizer =
        vitis_element_quantizer(0.0, 0, {-128, 127}, Rounding::half_even, per_channel);
    EXPECT_EQ(quantizer.scale, 0x1p-18f);
    EXPECT_EQ(fake_quantized(3 * 0x1p-18f, quantizer), 3 * 0x1p-18f);
  }
}

// 2^31 - 1 is no float: the steps stay floats, whoever makes integers of them must clamp once more.
TEST(Quantize, ThirtyTwoBits) {
  const ElementQuantizer quantizer =
      element_quantizer(0x1p-10, 0, integer_range(32, true, false), Rounding::half_even);
  EXPECT_EQ(steps_of(largest_float, quantizer), 0x1p31f);
  EXPECT_EQ(steps_of(-largest_float, quantizer), -0x1p31f);
  EXPECT_EQ(fake_quantized(1234.5f, quantizer), 1234.5f);
}

}  // namespace
}  // namespace qcal::testing
