// Counts are exact far beyond what float32 (2^24) and 32 bits hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/calibrator.h"
#include "engine/search/search.h"
#include "tests/search/calibration_support.h"

namespace qcal::testing {
namespace {

constexpr Binning counting[] = {Binning::linear_magnitude, Binning::linear_value, Binning::dyadic_magnitude,
                                Binning::dyadic_value};

// `values` over and over: strides of 0 take no memory.
TensorView repeated(const std::vector<float>& values, std::int64_t times) {
  return {values.data(), DType::f32, {times, static_cast<std::int64_t>(values.size())}, Memory::host, {0, 1}};
}

std::uint64_t total(const Histogram& histogram) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : histogram.counts) sum += count;
  return sum;
}

Summary summary_of(const TensorView& batch, Binning binning) {
  CollectSpec spec;
  spec.binning = binning;
  const auto collector = Backend::cpu()->make_collector(spec);
  collector->collect(batch, {});
  return collector->take();
}

TEST(LargeCounts, ThirtyMillionEqualElementsInOneBin) {
  constexpr std::int64_t times = 30'000'000;
  const std::vector<float> value{0.75f};
  for (const Binning binning : counting) {
    const ChannelSummary channel = summary_of(repeated(value, times), binning).channels.at(0);
    const std::vector<std::uint64_t>& counts = channel.histogram.counts;
    EXPECT_EQ(counts.back(), 30'000'000u);
    EXPECT_EQ(total(channel.histogram), 30'000'000u);
    EXPECT_EQ(channel.range.elements, 30'000'000u);
  }
}

// 3e7 ones against 1e7 twos. Of counters that stop at 2^24 the ones would have 63 %, and 70 % would reach the
// twos.
TEST(LargeCounts, PercentilesOfFortyMillionElements) {
  const std::vector<float> values{1.0f, 1.0f, 1.0f, 2.0f};
  for (const CalibrationScope scope : all_scopes) {
    Configuration configuration = default_configuration();
    configuration.tensor_settings[Role::activation] =
        settings_of({.method = Method::percentile, .scope = scope, .percentage = 70.0});
    Calibrator calibrator(configuration, Backend::cpu());
    calibrator.declare("x", {});
    calibrator.observe("x", repeated(values, 10'000'000));
    const TensorParameters parameters = calibrator.finish().tensors.at(0);
    EXPECT_EQ(parameters.elements, 40'000'000u);
    EXPECT_LE(parameters.amax[0], 1.0 + 2.0 / 1024.0);  // the end of the ones' bin
  }
}

// A histogram merged with itself, 31 times over: 4e3 elements become more than 2^42.
TEST(LargeCounts, BeyondThirtyTwoBitsByMerging) {
  constexpr int doublings = 31;
  const std::vector<float> values = samples(Shape::normal, 4'000, 1);
  for (const Binning binning : {Binning::dyadic_magnitude, Binning::dyadic_value}) {
    const Summary once = summary_of(repeated(values, 1), binning);
    Summary many = once;
    for (int i = 0; i < doublings; ++i) many = merge(many, many, binning);
    const ChannelSummary& channel = many.channels.at(0);
    EXPECT_EQ(many.elements, std::uint64_t{4'000} << doublings);
    EXPECT_EQ(many.batches, std::int64_t{1} << doublings);
    EXPECT_EQ(channel.range.elements, std::uint64_t{4'000} << doublings);
    std::vector<std::uint64_t> expected = once.channels[0].histogram.counts;
    for (std::uint64_t& count : expected) count <<= doublings;
    EXPECT_EQ(channel.histogram.counts, expected);

    // Coarser bins add what the finer ones hold.
    const Summary wide = summary_of(repeated({1000.0f, -1000.0f}, 3), binning);
    EXPECT_EQ(total(merge(many, wide, binning).channels[0].histogram),
              (std::uint64_t{4'000} << doublings) + 6);
  }
}

// Doubling every count scales each sum of the search by a power of two, which rounds nothing: the choice is
// the same to the bit. (Not of entropy, whose logarithms are not homogeneous.)
TEST(LargeCounts, SearchesOnThemAreThoseOnTheirShares) {
  const std::vector<float> values = samples(Shape::heavy_tail, 4'000, 2);
  for (const Method method : {Method::percentile, Method::mse, Method::diffs}) {
    for (const bool symmetric : {true, false}) {
      const TensorSpec spec = tensor_spec(
          settings_of({.method = method, .symmetric = symmetric, .scope = CalibrationScope::accumulated}),
          {});
      Summary summary = summary_of(repeated(values, 1), spec.collect.binning);
      const auto choice = [&] {
        return search_scale(summary.channels[0], 0, spec.variants[0], spec.preset());
      };
      const ScaleChoice expected = choice();
      for (int i = 0; i < 31; ++i) summary = merge(summary, summary, spec.collect.binning);
      EXPECT_EQ(choice(), expected) << static_cast<int>(method);
    }
  }
}

}  // namespace
}  // namespace qcal::testing
