#include "engine/export/integer_parameter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qcal {
namespace {

using ::testing::ElementsAre;

TensorParameters parameters(int bits, std::int64_t qmin, std::int64_t qmax, std::vector<double> scale) {
  TensorParameters result;
  result.bit_width = bits;
  result.qmin = qmin;
  result.qmax = qmax;
  result.zero_point.assign(scale.size(), 0);
  result.scale = std::move(scale);
  return result;
}

IntegerParameter integers(Shape shape, std::vector<float> values, const TensorParameters& parameters) {
  return integer_parameter(*make_constant(std::move(shape), std::move(values)), parameters,
                           Compatibility::standard);
}

TEST(IntegerParameter, RoundsAsItsSettingsSay) {
  TensorParameters eight = parameters(8, -128, 127, {0.5});
  const std::vector<float> values{0.25F, 0.75F, -0.25F, -0.75F, 100.0F, -100.0F};
  eight.round_mode = RoundMode::half_even;
  EXPECT_THAT(integers({6}, values, eight).values, ElementsAre(0, 2, 0, -2, 127, -128));
  eight.round_mode = RoundMode::half_up;
  EXPECT_THAT(integers({6}, values, eight).values, ElementsAre(1, 2, 0, -1, 127, -128));
  eight.round_mode = RoundMode::half_down;
  EXPECT_THAT(integers({6}, values, eight).values, ElementsAre(0, 1, 0, -1, 127, -128));
  eight.round_mode = RoundMode::std_round;
  EXPECT_THAT(integers({6}, values, eight).values, ElementsAre(1, 2, -1, -2, 127, -128));
}

TEST(IntegerParameter, TakesTheScaleOfItsChannel) {
  TensorParameters channels = parameters(8, -128, 127, {1.0, 2.0});
  channels.granularity = Granularity::per_channel;
  channels.axis = 1;
  EXPECT_THAT(integers({2, 2, 2}, {8, 8, 8, 8, 4, 4, 4, 4}, channels).values,
              ElementsAre(8, 8, 4, 4, 4, 4, 2, 2));
}

TEST(IntegerParameter, AddsTheZeroPoint) {
  TensorParameters asymmetric = parameters(8, 0, 255, {0.5});
  asymmetric.zero_point = {10};
  EXPECT_THAT(integers({3}, {-100.0F, 0.0F, 1.0F}, asymmetric).values, ElementsAre(0, 10, 12));
}

TEST(IntegerParameter, ThirtyTwoBitsAreExactBeyondFloat) {
  // 2^24 + 1 and its half: a float32 division would lose the last bit.
  const TensorParameters wide = parameters(32, -2147483648LL, 2147483647LL, {0x1p-30});
  EXPECT_THAT(integers({2}, {1.0F + 0x1p-23F, 4.0F}, wide).values,
              ElementsAre((1 << 30) + (1 << 7), 2147483647LL));
  for (const RoundMode mode :
       {RoundMode::half_even, RoundMode::half_up, RoundMode::half_down, RoundMode::std_round}) {
    TensorParameters half = parameters(32, -2147483648LL, 2147483647LL, {2.0});
    half.round_mode = mode;
    const bool up = mode == RoundMode::half_up || mode == RoundMode::std_round;
    EXPECT_THAT(integers({1}, {1.0F}, half).values, ElementsAre(up ? 1 : 0));
    EXPECT_THAT(integers({1}, {-1.0F}, half).values, ElementsAre(mode == RoundMode::std_round ? -1 : 0));
  }
}

TEST(IntegerParameter, LivesInTheNextType) {
  EXPECT_EQ(container(parameters(4, -8, 7, {1.0})), ElementType::int8);
  EXPECT_EQ(container(parameters(8, 0, 255, {1.0})), ElementType::uint8);
  EXPECT_EQ(container(parameters(12, -2048, 2047, {1.0})), ElementType::int16);
  EXPECT_EQ(container(parameters(16, 0, 65535, {1.0})), ElementType::uint16);
  EXPECT_EQ(container(parameters(32, -2147483648LL, 2147483647LL, {1.0})), ElementType::int32);
  EXPECT_TRUE(is_narrower_than_container(parameters(4, -8, 7, {1.0})));
  EXPECT_TRUE(is_narrower_than_container(parameters(8, -127, 127, {1.0})));
  EXPECT_FALSE(is_narrower_than_container(parameters(8, -128, 127, {1.0})));
}

TEST(RescaledBias, KeepsItsValueOrIsLeftAlone) {
  const IntegerParameter bias{{3, -5}, {0.25F}, {0}, ElementType::int8};
  const auto wide = rescaled_bias(bias, {0x1p-4F});
  ASSERT_TRUE(wide.has_value());
  EXPECT_THAT(wide->values, ElementsAre(12, -20));
  EXPECT_EQ(wide->type, ElementType::int32);
  EXPECT_FALSE(rescaled_bias(bias, {0.5F})) << "-5 / 4 is no step";
  EXPECT_FALSE(rescaled_bias(bias, {0x1p-40F})) << "more than 32 bits";
  EXPECT_THAT(rescaled_bias(bias, {0x1p-4F, 0x1p-3F})->values, ElementsAre(12, -10));
  EXPECT_FALSE(rescaled_bias({{3}, {0.25F}, {0}, ElementType::int8}, {0x1p-4F, 0x1p-3F}))
      << "one value for all channels";
}

}  // namespace
}  // namespace qcal
