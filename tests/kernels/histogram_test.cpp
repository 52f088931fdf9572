#include "kernels/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>

#include "kernels/statistics.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

std::uint64_t total(const Histogram& histogram) {
  return std::accumulate(histogram.counts.begin(), histogram.counts.end(), std::uint64_t{0});
}

// ---- Linear bins ----

struct LinearCase {
  const char* name;
  float low, high;
  int bins;
};

constexpr LinearCase linear_cases[] = {
    {.name = "unit", .low = 0.0f, .high = 1.0f, .bins = 2048},
    {.name = "symmetric", .low = -1.0f, .high = 1.0f, .bins = 2048},
    {.name = "odd", .low = -0.3f, .high = 2.7f, .bins = 2048},
    {.name = "seven", .low = 0.0f, .high = 0.1f, .bins = 7},
    {.name = "one bin", .low = -3.0f, .high = 0.1f, .bins = 1},
    {.name = "a million", .low = 0.0f, .high = 3.3f, .bins = 1 << 20},
    {.name = "subnormal", .low = 0.0f, .high = 1e-42f, .bins = 2048},
    {.name = "smallest", .low = 0.0f, .high = smallest_subnormal, .bins = 2048},
    {.name = "huge", .low = -3e38f, .high = 3e38f, .bins = 2048},
    {.name = "largest", .low = 0.0f, .high = largest_float, .bins = 1 << 20},
    {.name = "lopsided", .low = -1e-30f, .high = 1.0f, .bins = 2048},
};

// trunc(f32(f32((x - low) * bins) / f32(high - low))), every step a float. Multiplying all three by a power
// of two (2^-24) changes nothing unless it underflows, and keeps huge ranges from overflowing.
int reference_linear_bin(float x, const LinearCase& c) {
  const bool huge = c.high > 0x1p106f || c.low < -0x1p106f;
  const float factor = huge ? 0x1p-24f : 1.0f;
  const volatile float scaled = x * factor;
  const volatile float low = c.low * factor;
  // (On a huge grid that starts at 0, a subnormal below 0 counts as 0.)
  if (!(scaled >= low && x <= c.high)) return -1;
  const volatile float high = c.high * factor;
  const volatile float range = high - low;
  const volatile float from_low = scaled - low;
  const volatile float product = from_low * static_cast<float>(c.bins);
  const volatile float position = product / range;
  return std::min(static_cast<int>(position), c.bins - 1);
}

TEST(LinearBins, FollowTheDocumentedFormula) {
  for (const LinearCase& c : linear_cases) {
    SCOPED_TRACE(c.name);
    const LinearBins grid = linear_bins(c.low, c.high, c.bins);
    std::vector<float> values = {c.low,
                                 c.high,
                                 0.0f,
                                 -0.0f,
                                 infinity,
                                 -infinity,
                                 nan_value,
                                 largest_float,
                                 std::nextafter(c.low, -infinity),
                                 std::nextafter(c.high, infinity)};
    SplitMix64 random(1);
    const double span = static_cast<double>(c.high) - static_cast<double>(c.low);
    for (int i = 0; i < 5000; ++i) {
      values.push_back(static_cast<float>(c.low + span * random.uniform()));
      const double edge =
          c.low + span * static_cast<double>(random.below(static_cast<std::uint64_t>(c.bins))) / c.bins;
      const auto near = static_cast<float>(edge);
      values.insert(values.end(), {near, std::nextafter(near, infinity), std::nextafter(near, -infinity)});
    }
    for (const float x : values)
      ASSERT_EQ(linear_bin(x, grid), reference_linear_bin(x, c)) << std::hexfloat << x;
    EXPECT_EQ(linear_bin(c.high, grid), c.bins - 1);
    EXPECT_EQ(linear_bin(c.low, grid), 0);
  }
}

TEST(LinearBins, CountsAreTheNaiveCounts) {
  for (const Counted counted : {Counted::value, Counted::magnitude}) {
    for (const Shape shape : all_shapes) {
      for (const std::size_t size : {std::size_t{1}, std::size_t{17}, std::size_t{4097}}) {
        std::vector<float> values = samples(shape, size, 5);
        const ValueRange range = range_of(values);
        Histogram histogram = linear_histogram(range, counted);
        if (histogram.counts.empty()) {
          EXPECT_EQ(range.amax(), 0.0f) << shape;
          continue;
        }
        values.push_back(nan_value);  // non-finite values are left out
        values.push_back(-infinity);
        const auto low = static_cast<float>(histogram.low);
        const auto high = static_cast<float>(histogram.high);
        const LinearCase naive{.name = "", .low = low, .high = high, .bins = 2048};
        count_linear(values, linear_bins(low, high), counted, histogram.counts);
        std::vector<std::uint64_t> expected(2048);
        for (const float x : values) {
          const int bin = reference_linear_bin(counted == Counted::magnitude ? std::fabs(x) : x, naive);
          if (bin >= 0) ++expected[static_cast<std::size_t>(bin)];
        }
        EXPECT_EQ(histogram.counts, expected) << shape << " " << size;
        EXPECT_EQ(total(histogram), size);
      }
    }
  }
}

TEST(LinearHistogram, RangesHoldZero) {
  const ValueRange positive{.min = 2.0f, .max = 3.0f, .elements = 9};
  EXPECT_EQ(linear_histogram(positive, Counted::value).low, 0.0);
  EXPECT_EQ(linear_histogram(positive, Counted::value).high, 3.0);
  const ValueRange negative{.min = -3.0f, .max = -2.0f, .elements = 9};
  EXPECT_EQ(linear_histogram(negative, Counted::value).low, -3.0);
  EXPECT_EQ(linear_histogram(negative, Counted::value).high, 0.0);
  EXPECT_EQ(linear_histogram(negative, Counted::magnitude).low, 0.0);
  EXPECT_EQ(linear_histogram(negative, Counted::magnitude).high, 3.0);
  EXPECT_EQ(linear_histogram(ValueRange{}, Counted::value).bins(), 0);
  EXPECT_EQ(linear_histogram({.min = 0.0f, .max = 0.0f, .elements = 1}, Counted::value).bins(), 0);
  const Histogram edges = linear_histogram({.min = -1.0f, .max = 1.0f, .elements = 9}, Counted::value);
  EXPECT_EQ(edges.edge(0), -1.0);
  EXPECT_EQ(edges.edge(1024), 0.0);
  EXPECT_EQ(edges.edge(2048), 1.0);
}

// ---- Dyadic bins ----

Histogram dyadic_of(std::span<const float> values, Counted counted) {
  Histogram histogram = dyadic_histogram(range_of(values), counted);
  if (histogram.counts.empty()) return histogram;
  const int exponent = std::ilogb(histogram.width);
  count_dyadic(values, exponent, static_cast<std::int64_t>(std::floor(histogram.origin / histogram.width)),
               counted, histogram.counts);
  return histogram;
}

// The narrowest power-of-two bins of which 2048 hold all values and 0, found by trying them all.
int reference_exponent(double low, double high) {
  int exponent = -160;
  while (std::floor(std::ldexp(high, -exponent)) - std::floor(std::ldexp(low, -exponent)) > 2047.0)
    ++exponent;
  return exponent;
}

Histogram reference_dyadic(std::span<const float> values, Counted counted) {
  double low = 0.0;
  double high = 0.0;
  std::vector<double> kept;
  for (const float x : values) {
    if (std::isnan(x) || std::isinf(x)) continue;
    kept.push_back(counted == Counted::magnitude ? std::fabs(static_cast<double>(x))
                                                 : static_cast<double>(x));
    low = std::min(low, kept.back());
    high = std::max(high, kept.back());
  }
  Histogram histogram;
  if (kept.empty()) return histogram;
  const int exponent = reference_exponent(low, high);
  std::map<double, std::uint64_t> bins;
  for (const double x : kept) ++bins[std::floor(std::ldexp(x, -exponent))];
  const double first = std::floor(std::ldexp(low, -exponent));
  const double last = std::floor(std::ldexp(high, -exponent));
  histogram.width = std::ldexp(1.0, exponent);
  histogram.origin = std::ldexp(first, exponent);
  histogram.low = low;
  histogram.high = high;
  for (double bin = first; bin <= last; bin += 1.0)
    histogram.counts.push_back(bins.contains(bin) ? bins[bin] : 0);
  return histogram;
}

void expect_dyadic(std::span<const float> values) {
  for (const Counted counted : {Counted::value, Counted::magnitude}) {
    EXPECT_EQ(dyadic_of(values, counted), reference_dyadic(values, counted));
  }
}

TEST(DyadicHistogram, IsTheNaiveCount) {
  for (const Shape shape : all_shapes) {
    SCOPED_TRACE(shape);
    for (const std::size_t size : edge_sizes) {
      for (const double factor : {1.0, 1e-42, 1e-30, 5e36}) {
        expect_dyadic(samples(shape, std::min<std::size_t>(size, 5000), size, factor));
      }
    }
  }
}

TEST(DyadicHistogram, ExtremesOfFloat32) {
  const std::vector<float> cases[] = {
      {0.0f},
      {-0.0f, 0.0f},
      {smallest_subnormal},
      {-smallest_subnormal},
      {-smallest_subnormal, smallest_subnormal},
      {largest_float},
      {-largest_float, largest_float},
      {-largest_float},
      {-smallest_subnormal, largest_float},
      {smallest_subnormal, -largest_float},
      {3e38f, -3e38f, 1.0f, nan_value, infinity},
      {1.0f},
      {-1.0f},
      {2047.0f, -1.0f},
      {2047.5f, -0.5f},
      {nan_value, infinity},
  };
  for (const std::vector<float>& values : cases) {
    SCOPED_TRACE(values.front());
    expect_dyadic(values);
  }
}

TEST(DyadicHistogram, AnyOrderAndMergeTreeGivesTheSame) {
  SplitMix64 random(9);
  for (int trial = 0; trial < 60; ++trial) {
    // Batches of very different ranges, so that bins have to grow, in one step or in many.
    std::vector<std::vector<float>> batches;
    std::vector<float> all;
    const std::size_t count = 1 + random.below(7);
    for (std::size_t b = 0; b < count; ++b) {
      const Shape shape = all_shapes[random.below(std::size(all_shapes))];
      const double factor = std::ldexp(1.0 + random.uniform(), static_cast<int>(random.below(40)) - 20);
      batches.push_back(samples(shape, random.below(300), random.next(), factor));
      all.insert(all.end(), batches.back().begin(), batches.back().end());
    }
    for (const Counted counted : {Counted::value, Counted::magnitude}) {
      const Histogram expected = reference_dyadic(all, counted);
      std::vector<Histogram> parts;
      for (const std::vector<float>& batch : batches) parts.push_back(dyadic_of(batch, counted));
      while (parts.size() > 1) {  // any two, in either order
        const std::size_t a = random.below(parts.size());
        std::swap(parts[a], parts.back());
        const Histogram last = parts.back();
        parts.pop_back();
        const std::size_t b = random.below(parts.size());
        parts[b] = random.below(2) == 0 ? merge(parts[b], last) : merge(last, parts[b]);
      }
      ASSERT_EQ(parts.front(), expected) << "trial " << trial;
    }
  }
}

TEST(DyadicHistogram, MergesAcrossTheWholeRangeOfFloat32) {
  const std::vector<float> tiny = {smallest_subnormal, -smallest_subnormal, 0.0f};
  const std::vector<float> huge = {largest_float, -largest_float};
  std::vector<float> both = tiny;
  both.insert(both.end(), huge.begin(), huge.end());
  for (const Counted counted : {Counted::value, Counted::magnitude}) {
    const Histogram expected = reference_dyadic(both, counted);
    EXPECT_EQ(merge(dyadic_of(tiny, counted), dyadic_of(huge, counted)), expected);
    EXPECT_EQ(merge(dyadic_of(huge, counted), dyadic_of(tiny, counted)), expected);
    EXPECT_EQ(merge(Histogram{}, expected), expected);
    EXPECT_EQ(merge(expected, Histogram{}), expected);
  }
}

TEST(DyadicHistogram, EdgesEncloseTheirValues) {
  for (const Shape shape : {Shape::normal, Shape::heavy_tail, Shape::negative}) {
    const std::vector<float> values = samples(shape, 3000, 4);
    const Histogram histogram = dyadic_of(values, Counted::value);
    EXPECT_EQ(total(histogram), values.size());
    EXPECT_GT(histogram.counts.front(), 0u);  // the minimum (or 0) lies in the first bin
    for (int i = 0; i < histogram.bins(); ++i) {
      // The bin of 0 has no width where nothing is positive.
      ASSERT_LE(histogram.edge(i), histogram.edge(i + 1)) << i;
      const auto inside = std::count_if(values.begin(), values.end(), [&](float x) {
        return x >= histogram.edge(i) &&
               (x < histogram.edge(i + 1) || (i + 1 == histogram.bins() && x <= histogram.high));
      });
      ASSERT_EQ(static_cast<std::uint64_t>(inside), histogram.counts[static_cast<std::size_t>(i)]) << i;
    }
  }
}

}  // namespace
}  // namespace qcal::testing
