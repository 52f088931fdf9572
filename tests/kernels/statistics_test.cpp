#include "kernels/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

ValueRange reference_range(std::span<const float> values) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  ValueRange range;
  for (const float x : values) {
    ++range.elements;
    if (std::isnan(x) || std::isinf(x)) {
      ++range.non_finite;
      continue;
    }
    low = std::min(low, static_cast<double>(x));
    high = std::max(high, static_cast<double>(x));
  }
  range.min = static_cast<float>(low);
  range.max = static_cast<float>(high);
  return range;
}

TEST(Statistics, EverySizeAlignmentAndPlaceOfTheExtremes) {
  for (const std::size_t size : edge_sizes) {
    for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
      std::vector<float> storage = samples(Shape::normal, size + offset, size);
      const std::span<float> values = std::span(storage).subspan(offset);
      EXPECT_EQ(range_of(values), reference_range(values)) << size;
      for (const std::size_t place : {std::size_t{0}, size / 2, size - std::min<std::size_t>(size, 1)}) {
        if (size == 0) continue;
        for (const float extreme : {largest_float, -largest_float, nan_value, infinity, -infinity}) {
          const float before = values[place];
          values[place] = extreme;
          EXPECT_EQ(range_of(values), reference_range(values)) << size << " " << extreme << " at " << place;
          values[place] = before;
        }
      }
    }
  }
}

TEST(Statistics, OnlyNonFiniteValues) {
  const std::vector<float> values(40, nan_value);
  const ValueRange range = range_of(values);
  EXPECT_TRUE(range.empty());
  EXPECT_EQ(range.elements, 40u);
  EXPECT_EQ(range.amax(), 0.0f);
  EXPECT_GT(range.min, range.max);
}

// Infinities of both signs in one lane must not cancel.
TEST(Statistics, OppositeInfinitiesDoNotHideEachOther) {
  std::vector<float> values(64, 1.0f);
  values[3] = infinity;
  values[19] = -infinity;
  EXPECT_EQ(range_of(values).non_finite, 2u);
  EXPECT_EQ(range_of(values).max, 1.0f);
}

// Zeros have no sign, so that the order of -0 and +0 cannot matter.
TEST(Statistics, ZerosArePositive) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{17}, std::size_t{64}}) {
    for (const float zero : {0.0f, -0.0f}) {
      const std::vector<float> values(size, zero);
      const ValueRange range = range_of(values);
      EXPECT_FALSE(std::signbit(range.min)) << size;
      EXPECT_FALSE(std::signbit(range.max)) << size;
      EXPECT_FALSE(std::signbit(range.amax())) << size;
    }
  }
}

TEST(Statistics, Subnormals) {
  const std::vector<float> values = {smallest_subnormal, -1e-40f, 0.0f};
  EXPECT_EQ(range_of(values), reference_range(values));
  EXPECT_EQ(range_of(values).amax(), 1e-40f);
}

TEST(Statistics, MergingAnySplitIsTheWhole) {
  std::vector<float> values = samples(Shape::heavy_tail, 5000, 3);
  values[1234] = nan_value;
  const ValueRange whole = range_of(values);
  for (const std::size_t split : {std::size_t{0}, std::size_t{1}, std::size_t{1234}, std::size_t{4999}}) {
    const ValueRange left = range_of(std::span(values).first(split));
    const ValueRange right = range_of(std::span(values).subspan(split));
    EXPECT_EQ(merge(left, right), whole) << split;
    EXPECT_EQ(merge(right, left), whole) << split;
  }
  EXPECT_EQ(merge(ValueRange{}, whole), whole);
}

TEST(Statistics, AmaxIsTheLargerMagnitude) {
  EXPECT_EQ((ValueRange{.min = -3.0f, .max = 2.0f, .elements = 2}).amax(), 3.0f);
  EXPECT_EQ((ValueRange{.min = 1.0f, .max = 2.0f, .elements = 2}).amax(), 2.0f);
  EXPECT_EQ((ValueRange{.min = -2.0f, .max = -1.0f, .elements = 2}).amax(), 2.0f);
}

}  // namespace
}  // namespace qcal::testing
