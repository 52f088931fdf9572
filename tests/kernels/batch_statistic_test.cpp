#include "kernels/batch_statistic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/error.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

double exact_modal(std::vector<double> values) {
  return batch_statistic(values, Statistic::modal, ModalRule::exact);
}
double octave_modal(std::vector<double> values) {
  return batch_statistic(values, Statistic::modal, ModalRule::octaves);
}
double median(std::vector<double> values) {
  return batch_statistic(values, Statistic::median, ModalRule::exact);
}

TEST(BatchStatistic, MaxAndMedian) {
  EXPECT_EQ(batch_statistic(std::vector{3.0, 7.0, 5.0}, Statistic::max, ModalRule::exact), 7.0);
  EXPECT_EQ(median({3.0}), 3.0);
  EXPECT_EQ(median({3.0, 7.0, 5.0}), 5.0);
  EXPECT_EQ(median({4.0, 1.0, 2.0, 9.0}), 3.0);
  EXPECT_EQ(median({0.1, 0.2}), (0.1 + 0.2) / 2.0);
}

TEST(BatchStatistic, ExactModalPrefersTheSmallestOnATie) {
  EXPECT_EQ(exact_modal({5.0, 2.0, 5.0, 2.0, 9.0}), 2.0);
  EXPECT_EQ(exact_modal({5.0, 2.0, 5.0}), 5.0);
  EXPECT_EQ(exact_modal({3.0, 2.0, 1.0}), 1.0);  // nothing repeats
  EXPECT_EQ(exact_modal({-1.0, -1.0, 0.0, 0.0}), -1.0);
}

TEST(BatchStatistic, OctaveModalTakesTheMedianOfTheFullestEighth) {
  // 1.00, 1.01 and 1.05 share [1, 2^(1/8)); the exact rule would take the smallest of all, 0.2.
  EXPECT_EQ(octave_modal({0.2, 1.05, 4.0, 1.01, 1.0}), 1.01);
  // Two bins of two: the smaller bin; the mean of its two values.
  EXPECT_EQ(octave_modal({3.1, 1.0, 3.2, 1.05}), 1.025);
  EXPECT_EQ(octave_modal({0.0, 0.0, 1.0}), 0.0);
  EXPECT_EQ(octave_modal({7.0}), 7.0);
  // Negative values mirror positive ones.
  EXPECT_EQ(octave_modal({-0.2, -1.05, -4.0, -1.01, -1.0}), -1.01);
}

TEST(BatchStatistic, OctaveBinsBeginAtPowersOfTwoToTheEighth) {
  for (int exponent = -130; exponent <= 127; ++exponent) {
    for (int eighth = 0; eighth < 8; ++eighth) {
      const double edge =
          std::ldexp(static_cast<double>(std::exp2(static_cast<long double>(eighth) / 8)), exponent);
      // Two just below the edge against three at and above it, and the other way round.
      const double below = edge * (1.0 - 1e-12);
      const double above = edge * (1.0 + 1e-12);
      ASSERT_EQ(octave_modal({below, below, edge * 1.0000001, above, above}), above)
          << exponent << " " << eighth;
      ASSERT_EQ(octave_modal({below, below, below, above, above}), below) << exponent << " " << eighth;
    }
  }
}

TEST(BatchStatistic, OnlyTheMeanDependsOnTheOrder) {
  SplitMix64 random(4);
  std::vector<double> values(101);
  for (double& value : values) value = std::floor(16.0 * random.uniform()) / 7.0;
  std::vector<double> reversed(values.rbegin(), values.rend());
  for (const Statistic statistic : {Statistic::max, Statistic::median, Statistic::modal}) {
    for (const ModalRule rule : {ModalRule::exact, ModalRule::octaves}) {
      EXPECT_EQ(batch_statistic(values, statistic, rule), batch_statistic(reversed, statistic, rule));
    }
  }
}

// numpy.mean of the same float64 arrays, as bits.
TEST(BatchStatistic, MeanIsNumpysPairwiseMean) {
  struct Pinned {
    std::size_t size;
    std::uint64_t mean;
  };
  constexpr Pinned pinned[] = {
      {.size = 1, .mean = 0x407a7190c9cda8e6},    {.size = 2, .mean = 0x407c1fe9efb9b0fe},
      {.size = 7, .mean = 0x406f5c137a880686},    {.size = 8, .mean = 0x407069b23e41500c},
      {.size = 9, .mean = 0x4072d4eb2d70109f},    {.size = 15, .mean = 0x40691079ceee6660},
      {.size = 16, .mean = 0x406bbc67a301a3bb},   {.size = 17, .mean = 0x40629958a126d5d0},
      {.size = 127, .mean = 0x406b3b44e2450acb},  {.size = 128, .mean = 0x40710f5bf692734c},
      {.size = 129, .mean = 0x406f0fc89720b093},  {.size = 136, .mean = 0x4072349ae87efced},
      {.size = 137, .mean = 0x406c8aeb87a9bd0b},  {.size = 255, .mean = 0x407073e053979c42},
      {.size = 256, .mean = 0x406ce01a4a859a1f},  {.size = 257, .mean = 0x406f84ab5334f55d},
      {.size = 1000, .mean = 0x40706797fdcc72d1}, {.size = 5003, .mean = 0x406ed86af081b70a},
  };
  for (const Pinned& expected : pinned) {
    SplitMix64 random(expected.size);
    std::vector<double> values(expected.size);
    for (double& value : values) {
      const double factor = random.uniform();
      value = factor * (1.0 + 1000.0 * random.uniform());
    }
    const double mean = batch_statistic(values, Statistic::mean, ModalRule::exact);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(mean), expected.mean) << expected.size;
  }
}

TEST(BatchStatistic, NoBatchesIsAnError) {
  EXPECT_THROW(batch_statistic({}, Statistic::max, ModalRule::exact), InvalidArgument);
}

}  // namespace
}  // namespace qcal::testing
