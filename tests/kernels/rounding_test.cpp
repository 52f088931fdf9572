#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "kernels/quantize_math.h"
#include "kernels/rounding_math.h"
#include "tests/reference/reference_quantize.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

struct Mode {
  const char* name;
  Rounding rounding;
};

constexpr Mode modes[] = {{"half_even", Rounding::half_even},
                          {"half_up", Rounding::half_up},
                          {"half_down", Rounding::half_down},
                          {"std_round", Rounding::std_round}};

float rounded(float v, Rounding mode) {
  return with_rounding(mode, [v](auto tag) { return round_to_integral<tag.value>(v); });
}

float rounded_small(float v, Rounding mode) {
  return with_rounding(mode, [v](auto tag) { return round_small<tag.value>(v); });
}

// Compares by value: -0 and +0 are equal.
void expect_reference(float v) {
  for (const Mode& mode : modes) {
    const double expected = reference_round(v, mode.rounding);
    EXPECT_EQ(rounded(v, mode.rounding), expected) << mode.name << " of " << std::hexfloat << v;
    if (std::fabs(v) > round_small_limit) continue;
    EXPECT_EQ(rounded_small(v, mode.rounding), expected) << mode.name << " (small) of " << std::hexfloat << v;
  }
}

void expect_reference_around(float center, int neighbours) {
  float up = center;
  float down = center;
  for (int i = 0; i <= neighbours; ++i) {
    expect_reference(up);
    expect_reference(down);
    expect_reference(-up);
    expect_reference(-down);
    up = std::nextafter(up, infinity);
    down = std::nextafter(down, -infinity);
  }
}

rapidjson::Document golden() {
  std::ifstream in(QCAL_TEST_DATA "/golden/rounding.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  rapidjson::Document document;
  document.Parse(text.c_str());
  return document;
}

float from_hex(const rapidjson::Value& text) {
  return std::strtof(text.GetString(), nullptr);
}

TEST(Rounding, DefinitionOfTheModes) {
  struct Case {
    float value;
    float half_even, half_up, half_down, std_round;
  };
  constexpr Case cases[] = {
      {.value = 0.5f, .half_even = 0, .half_up = 1, .half_down = 0, .std_round = 1},
      {.value = -0.5f, .half_even = 0, .half_up = 0, .half_down = 0, .std_round = -1},
      {.value = 1.5f, .half_even = 2, .half_up = 2, .half_down = 1, .std_round = 2},
      {.value = -1.5f, .half_even = -2, .half_up = -1, .half_down = -1, .std_round = -2},
      {.value = 2.5f, .half_even = 2, .half_up = 3, .half_down = 2, .std_round = 3},
      {.value = -2.5f, .half_even = -2, .half_up = -2, .half_down = -2, .std_round = -3},
      {.value = 0.49999997f, .half_even = 0, .half_up = 0, .half_down = 0, .std_round = 0},
      {.value = -0.50000006f, .half_even = -1, .half_up = -1, .half_down = -1, .std_round = -1},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(rounded(c.value, Rounding::half_even), c.half_even) << c.value;
    EXPECT_EQ(rounded(c.value, Rounding::half_up), c.half_up) << c.value;
    EXPECT_EQ(rounded(c.value, Rounding::half_down), c.half_down) << c.value;
    EXPECT_EQ(rounded(c.value, Rounding::std_round), c.std_round) << c.value;
  }
}

TEST(Rounding, NeighboursOfTies) {
  for (int i = 0; i <= 600; ++i) expect_reference_around(0.5f * static_cast<float>(i), 4);
  for (const float tie : {16383.5f, 32767.5f, 65535.5f, 1048575.5f, 2097151.5f}) {
    expect_reference_around(tie, 8);
  }
}

// Where halves, then odd numbers, stop being floats.
TEST(Rounding, NeighboursOfPowersOfTwo) {
  for (const float power : {0x1p21f, 0x1p22f, 0x1p23f, 0x1p24f, 0x1p25f, 0x1p31f}) {
    expect_reference_around(power, 200);
  }
}

TEST(Rounding, EveryKindOfFloat) {
  for (const float v : {0.0f, -0.0f, smallest_subnormal, 1e-40f, 0x1p-126f, 3e38f, largest_float, infinity}) {
    expect_reference(v);
    expect_reference(-v);
  }
  for (const Mode& mode : modes) EXPECT_TRUE(std::isnan(rounded(nan_value, mode.rounding))) << mode.name;
  SplitMix64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const float v = std::bit_cast<float>(static_cast<std::uint32_t>(random.next()));
    if (std::isfinite(v)) expect_reference(v);
  }
}

TEST(Rounding, AgreesWithThePeersKernel) {
  const rapidjson::Document document = golden();
  ASSERT_TRUE(document.IsObject());
  const auto& values = document["values_hex"];
  int compared = 0;
  int beyond_int32 = 0;
  for (const Mode& mode : modes) {
    const auto& results = document["result"][mode.name];
    ASSERT_EQ(results.Size(), values.Size());
    for (rapidjson::SizeType i = 0; i < values.Size(); ++i) {
      const float v = from_hex(values[i]);
      if (std::fabs(v) >= 0x1p31f) {
        // x86 converts these to INT_MIN; here the result stays float and keeps its value.
        EXPECT_EQ(results[i].GetInt64(), INT32_MIN);
        EXPECT_EQ(rounded(v, mode.rounding), v);
        ++beyond_int32;
        continue;
      }
      EXPECT_EQ(static_cast<double>(rounded(v, mode.rounding)), results[i].GetDouble())
          << mode.name << " of " << values[i].GetString();
      ++compared;
    }
  }
  EXPECT_GT(compared, 800);
  EXPECT_EQ(beyond_int32, 4 * 6);
}

TEST(Rounding, FakeQuantizationAgreesWithThePeersKernel) {
  const rapidjson::Document document = golden();
  ASSERT_TRUE(document.IsObject());
  int compared = 0;
  for (const auto& entry : document["fix_neuron"].GetArray()) {
    const IntegerRange range{entry["quant_min"].GetInt64(), entry["quant_max"].GetInt64()};
    const auto& inputs = entry["input_hex"];
    for (const Mode& mode : modes) {
      const auto& outputs = entry["output_hex"][mode.name];
      ASSERT_EQ(outputs.Size(), inputs.Size());
      // The recorded factor is the float32 reciprocal that the kernel multiplies by.
      const ElementQuantizer quantizer = vitis_element_quantizer(
          1.0 / entry["scale_inv"].GetDouble(), entry["zero_point"].GetInt64(), range, mode.rounding, false);
      for (rapidjson::SizeType i = 0; i < inputs.Size(); ++i) {
        const float x = from_hex(inputs[i]);
        const float ours = with_quantizer_kind(quantizer, [&](auto rounding, auto arithmetic) {
          return fake_quantize<rounding.value, arithmetic.value>(x, quantizer);
        });
        if (std::fabs(x * quantizer.step_factor) >= 0x1p31f) continue;  // see above
        EXPECT_EQ(ours, from_hex(outputs[i])) << mode.name << " of " << inputs[i].GetString()
                                              << " with factor " << entry["scale_inv"].GetDouble();
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 3000);
}

}  // namespace
}  // namespace qcal::testing
