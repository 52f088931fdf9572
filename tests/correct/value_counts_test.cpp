// What quantizing a tensor costs by the counts of its values, held against errors added up value by value.
#include "engine/correct/value_counts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

ValueCounts counted(const std::vector<float>& values) {
  ValueCounts counts;
  const TensorView view{
      values.data(), DType::f32, {static_cast<std::int64_t>(values.size())}, Memory::host, {}};
  count(WholeTensor(view), counts);
  return counts;
}

ElementQuantizer unsigned_quantizer(double scale, std::int64_t zero_point) {
  return element_quantizer(scale, zero_point, integer_range(8, false, false), Rounding::half_even);
}

// From the definition, value by value.
double naive_sqnr(const std::vector<float>& values, double scale, double zero_point) {
  double signal = 0.0;
  double noise = 0.0;
  for (const double value : values) {
    const double q = std::clamp(std::nearbyint(value / scale) + zero_point, 0.0, 255.0);
    signal += value * value;
    noise += std::pow(value - scale * (q - zero_point), 2);
  }
  return 10.0 * std::log10(signal / noise);
}

TEST(ValueCounts, CostWhatTheValuesCost) {
  // A value is at most 1/8 larger than the smallest of its bin: the mean square of a bin is known to a factor
  // of 1.27 at worst, and of many bins that are filled alike far better.
  constexpr double tolerance = 0.3;  // dB
  for (const Shape shape : {Shape::normal, Shape::uniform, Shape::relu, Shape::outlier, Shape::heavy_tail}) {
    const std::vector<float> values = samples(shape, 100'000, 3, 1.7);
    const auto [low, high] = std::ranges::minmax(values);
    const double range = static_cast<double>(std::max(high, 0.0F)) - static_cast<double>(std::min(low, 0.0F));
    for (const double share : {1.0, 0.5, 0.11}) {  // of the range that is covered
      const double scale = share * range / 255.0;
      const double zero_point = std::clamp(std::round(-share * static_cast<double>(low) / scale), 0.0, 255.0);
      EXPECT_NEAR(
          signal_to_noise(counted(values), unsigned_quantizer(scale, static_cast<std::int64_t>(zero_point))),
          naive_sqnr(values, scale, zero_point), tolerance)
          << share;
    }
  }
}

TEST(ValueCounts, EvenlySpreadValuesHaveTheNoiseOfARectangle) {
  std::vector<float> values;
  for (int i = -50'000; i < 50'000; ++i) values.push_back(static_cast<float>(i) / 50'000.0F);
  // Signal 1/3, noise (2/255)^2 / 12: the ratio is 255^2. A step that is a power of two divides its bins.
  EXPECT_NEAR(signal_to_noise(counted(values), unsigned_quantizer(2.0 / 255.0, 128)), 48.13, 0.1);
  EXPECT_NEAR(signal_to_noise(counted(values), unsigned_quantizer(0x1p-6, 128)), 20.0 * std::log10(128.0),
              0.1);
}

TEST(ValueCounts, AreTheSameForEverySplitAndLeaveOutWhatIsNotFinite) {
  std::vector<float> values = samples(Shape::normal, 10'000, 5, 1.0);
  const ValueCounts whole = counted(values);
  ValueCounts parts = counted({values.begin() + 700, values.end()});
  add(counted({values.begin(), values.begin() + 700}), parts);
  EXPECT_EQ(parts, whole);
  const double before = signal_to_noise(whole, unsigned_quantizer(0.03, 128));
  for (const float value : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()})
    values.push_back(value);
  EXPECT_EQ(signal_to_noise(counted(values), unsigned_quantizer(0.03, 128)), before);
}

TEST(ValueCounts, ZerosAndNothingCostNothing) {
  EXPECT_EQ(signal_to_noise(ValueCounts(), unsigned_quantizer(1.0, 0)),
            std::numeric_limits<double>::infinity());
  // A zero's bin holds numbers below 2^-126 that are none.
  EXPECT_NEAR(signal_to_noise(counted({0.0F, -0.0F, 3.0F, 3.1F}), unsigned_quantizer(2.0, 0)),
              naive_sqnr({3.0F, 3.1F}, 2.0, 0.0), 1.0);
}

}  // namespace
}  // namespace qcal::testing
