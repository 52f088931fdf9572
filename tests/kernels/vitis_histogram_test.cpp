#include "kernels/vitis_histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "kernels/error.h"
#include "kernels/statistics.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

Histogram add(const Histogram& before, std::span<const float> values) {
  return vitis_accumulate(before, range_of(values), [&](const LinearBins& grid, std::uint64_t* counts) {
    count_linear(values, grid, Counted::magnitude, {counts, static_cast<std::size_t>(grid.bins)});
  });
}

// A batch of which only the maximum and the counts of one bin are known.
Histogram add_counts(const Histogram& before, float amax, std::size_t bin, std::uint64_t count) {
  const ValueRange range{.min = 0.0f, .max = amax, .elements = count};
  return vitis_accumulate(before, range,
                          [&](const LinearBins&, std::uint64_t* counts) { counts[bin] = count; });
}

TEST(VitisHistogram, FirstBatchHasLinspaceEdges) {
  for (const float amax : {1.0f, 0.1f, 3.3f, 1e-20f, 3e38f, 7.7e-39f}) {
    const std::vector<float> values = {amax, -amax / 3.0f, 0.0f};
    const Histogram histogram = add({}, values);
    ASSERT_EQ(histogram.bins(), 2048);
    const float step = amax / 2048.0f;
    for (int i = 0; i <= 2048; ++i) {
      const float expected =
          i < 1024 ? static_cast<float>(i) * step : std::fmaf(static_cast<float>(i - 2048), step, amax);
      ASSERT_EQ(histogram.edges[static_cast<std::size_t>(i)], expected) << amax << " " << i;
    }
    EXPECT_EQ(histogram.counts.front(), 1u);
    EXPECT_EQ(histogram.counts[682], 1u);  // 2048/3
    EXPECT_EQ(histogram.counts.back(), 1u);
  }
}

TEST(VitisHistogram, GrowsByBinsOfTheFirstWidth) {
  const Histogram first = add({}, std::vector<float>{1.0f, 0.5f});
  const Histogram grown = add(first, std::vector<float>{-1.5f, 0.5f});
  ASSERT_EQ(grown.bins(), 3072);
  for (int i = 0; i <= 3072; ++i)
    ASSERT_EQ(grown.edges[static_cast<std::size_t>(i)], static_cast<float>(i) / 2048.0f);
  EXPECT_EQ(grown.counts[1024], 2u);
  EXPECT_EQ(grown.counts[2047], 1u);
  EXPECT_EQ(grown.counts[3071], 1u);
  const Histogram smaller = add(grown, std::vector<float>{0.5f});
  EXPECT_EQ(smaller.edges, grown.edges);
  EXPECT_EQ(smaller.counts[1024], 3u);
}

// arange's blocks of eight: the base of a block is rounded to float32 before the lane's offset is added.
TEST(VitisHistogram, GrownEdgesAreRoundedInBlocksOfEight) {
  const float amax = 0.1f;
  const Histogram grown = add(add({}, std::vector<float>{amax}), std::vector<float>{0.33f});
  const Histogram first = add({}, std::vector<float>{amax});
  const double width = static_cast<double>(first.edges[1] - first.edges[0]);
  const std::size_t blocked = grown.edges.size() - grown.edges.size() % 8;
  for (std::size_t i = 0; i < grown.edges.size(); ++i) {
    const double base = static_cast<float>(static_cast<double>(i / 8 * 8) * width);
    const auto expected = static_cast<float>(i < blocked ? base + static_cast<double>(i % 8) * width
                                                         : static_cast<double>(i) * width);
    ASSERT_EQ(grown.edges[i], expected) << i;
  }
  EXPECT_GE(grown.edges.back(), 0.33f);
}

// The result depends on the order of batches: that is what the standard preset replaces.
TEST(VitisHistogram, DependsOnTheOrderOfBatches) {
  const std::vector<float> small = samples(Shape::normal, 100, 1);
  const std::vector<float> large = samples(Shape::normal, 100, 2, 3.0);
  EXPECT_NE(add(add({}, small), large), add(add({}, large), small));
}

TEST(VitisHistogram, FloatCountersStopAtTwoToThe24) {
  const std::uint64_t limit = std::uint64_t{1} << 24;
  EXPECT_EQ(add_counts({}, 1.0f, 3, limit - 1).counts[3], limit - 1);
  EXPECT_EQ(add_counts({}, 1.0f, 3, limit + 5).counts[3], limit);
  const Histogram full = add_counts({}, 1.0f, 3, limit);
  EXPECT_EQ(add_counts(full, 1.0f, 3, 1).counts[3], limit);      // a float32 sum: 2^24 + 1 rounds to even
  EXPECT_EQ(add_counts(full, 1.0f, 3, 3).counts[3], limit + 4);  // likewise, up
}

TEST(VitisHistogram, ZerosGoToTheMiddle) {
  const Histogram zeros = add({}, std::vector<float>(10, 0.0f));
  ASSERT_EQ(zeros.bins(), 2048);
  EXPECT_EQ(zeros.counts[1024], 10u);
  for (const float edge : zeros.edges) EXPECT_EQ(edge, 0.0f);
  EXPECT_EQ(add(zeros, std::vector<float>(5, -0.0f)).counts[1024], 15u);
}

// The peer cannot go on from bins without width; here they start anew, and the zeros lie in the first bin.
TEST(VitisHistogram, StartsAnewAfterZeros) {
  const Histogram zeros = add({}, std::vector<float>(10, 0.0f));
  const Histogram started = add(zeros, std::vector<float>{1.0f, 0.0f});
  Histogram expected = add({}, std::vector<float>{1.0f, 0.0f});
  expected.counts[0] += 10;
  EXPECT_EQ(started, expected);
}

TEST(VitisHistogram, RefusesMoreThanAMillionBins) {
  const Histogram first = add({}, std::vector<float>{1.0f});
  EXPECT_NO_THROW(add(first, std::vector<float>{500.0f}));
  EXPECT_THROW(add(first, std::vector<float>{600.0f}), InvalidArgument);
  EXPECT_THROW(add(first, std::vector<float>{largest_float}), InvalidArgument);
  // A 2048th of this is no float32, so that the width is 0.
  const Histogram subnormal = add({}, std::vector<float>{smallest_subnormal});
  EXPECT_THROW(add(subnormal, std::vector<float>{1.0f}), InvalidArgument);
}

}  // namespace
}  // namespace qcal::testing
