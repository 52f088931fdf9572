#include "engine/search/percentile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/search/search.h"
#include "tests/reference/histogram_cases.h"

namespace qcal::testing {
namespace {

SearchSettings percentile_settings(double percentage, bool symmetric) {
  SearchSettings settings;
  settings.method = Method::percentile;
  settings.percentage = percentage;
  settings.symmetric = symmetric;
  return settings;
}

// The value below which `share` of the values lie if each bin's values are spread evenly over it.
double reference_quantile(const Histogram& histogram, double share) {
  double total = 0.0;
  for (const std::uint64_t count : histogram.counts) total += static_cast<double>(count);
  double below = 0.0;
  for (int i = 0; i < histogram.bins(); ++i) {
    const auto count = static_cast<double>(histogram.counts[static_cast<std::size_t>(i)]);
    if (count > 0.0 && below + count >= share * total) {
      const double part = (share * total - below) / count;
      return (1.0 - part) * histogram.edge(i) + part * histogram.edge(i + 1);
    }
    below += count;
  }
  return histogram.high;
}

// One subtraction, one division and one interpolation, on numbers no larger than the histogram's ends. The
// division's numerator carries the rounding of share * total, which may be as large as total * 2^-53 while a
// bin may hold a single count: part is off by total * 2^-52 at most, of one width.
double tolerance(const Histogram& histogram, double total) {
  return 8 * 0x1p-53 * std::max(std::fabs(histogram.low), std::fabs(histogram.high)) +
         total * 0x1p-51 * histogram.width;
}

TEST(Percentile, InterpolatesInsideItsBin) {
  for (const HistogramCase& c : histogram_cases()) {
    SCOPED_TRACE(c.name);
    double total = 0.0;
    for (const std::uint64_t count : c.histogram.counts) total += static_cast<double>(count);
    for (const double percentage : {0.001, 1.0, 50.0, 99.0, 99.9, 99.99, 99.9999}) {
      if (c.counted == Counted::magnitude) {
        const ClipRange clip =
            percentile_range(c.histogram, percentile_settings(percentage, true), standard_preset);
        EXPECT_NEAR(clip.high, reference_quantile(c.histogram, percentage / 100.0),
                    tolerance(c.histogram, total));
        EXPECT_EQ(clip.low, -clip.high);
      } else {
        const ClipRange clip =
            percentile_range(c.histogram, percentile_settings(percentage, false), standard_preset);
        const double tail = (100.0 - percentage) / 200.0;
        EXPECT_NEAR(clip.low, reference_quantile(c.histogram, tail), tolerance(c.histogram, total));
        EXPECT_NEAR(clip.high, reference_quantile(c.histogram, 1.0 - tail), tolerance(c.histogram, total));
        EXPECT_LE(clip.low, clip.high);
      }
    }
  }
}

TEST(Percentile, AHundredKeepsEverything) {
  for (const Shape shape : all_shapes) {
    if (shape == Shape::all_zero) continue;
    const std::vector<float> values = samples(shape, 3000, 3);
    const ValueRange range = range_of(values);
    for (const bool dyadic : {false, true}) {
      const Histogram magnitudes = histogram_of(values, Counted::magnitude, dyadic);
      EXPECT_EQ(percentile_range(magnitudes, percentile_settings(100.0, true), standard_preset).high,
                range.amax())
          << shape;
      const Histogram signed_values = histogram_of(values, Counted::value, dyadic);
      const ClipRange clip =
          percentile_range(signed_values, percentile_settings(100.0, false), standard_preset);
      // Where an end of the data is no end of the histogram, the bin's edge beyond it is.
      EXPECT_GE(clip.high, range.max) << shape;
      EXPECT_LE(clip.high, range.max + signed_values.width) << shape;
      EXPECT_TRUE(range.max <= 0.0f || clip.high == range.max) << shape;
      EXPECT_LE(clip.low, range.min) << shape;
      EXPECT_GE(clip.low, range.min - signed_values.width) << shape;
      EXPECT_TRUE(range.min >= 0.0f || clip.low == range.min) << shape;
    }
  }
}

// 1000 magnitudes 1, 2, ..., 1000 thousandths, in bins of 1/1024: the answer is known by hand to within a
// bin.
TEST(Percentile, ClipsTheShareThatIsAskedFor) {
  std::vector<float> values;
  for (int i = 1; i <= 1000; ++i) values.push_back(static_cast<float>(i) / 1000.0f);
  const Histogram histogram = histogram_of(values, Counted::magnitude, true);
  for (const double percentage : {10.0, 50.0, 90.0, 99.0}) {
    const double amax =
        percentile_range(histogram, percentile_settings(percentage, true), standard_preset).high;
    EXPECT_NEAR(amax, percentage / 100.0, histogram.width + 1e-3);
  }
}

TEST(Percentile, VitisTakesTheLowerEdgeOfTheBin) {
  Histogram histogram = histogram_with({50, 30, 15, 5}, 0.0, 1.0, 0.0);
  histogram.edges = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f};
  const auto amax = [&](double percentage) {
    return percentile_range(histogram, percentile_settings(percentage, true), vitis_preset).high;
  };
  EXPECT_EQ(amax(50.0), 0.0);
  EXPECT_EQ(amax(50.5), 1.0);
  EXPECT_EQ(amax(94.0), 2.0);
  EXPECT_EQ(amax(95.5), 3.0);
}

}  // namespace
}  // namespace qcal::testing
