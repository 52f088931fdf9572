// Every instruction set that the searches were compiled for gives the same bits, and costs of many windows at
// once are those of one at a time as far as they can win.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "engine/search/entropy_costs.h"
#include "engine/search/histogram_window.h"
#include "engine/search/squared_error_costs.h"
#include "kernels/scale_math.h"
#include "tests/reference/histogram_cases.h"
#include "tests/support/simd_targets.h"

namespace qcal::testing {
namespace {

constexpr double no_limit = std::numeric_limits<double>::infinity();

// one(i): the cost of candidate i alone; together(limit, costs): of all.
template <class One, class Together>
void expect_same_costs(std::size_t candidates, const One& one, const Together& together) {
  std::vector<double> expected(candidates);
  double cheapest = no_limit;
  for (std::size_t i = 0; i < candidates; ++i) {
    expected[i] = one(i);
    if (expected[i] < cheapest) cheapest = expected[i];
  }
  for_each_target([&] {
    for (std::size_t i = 0; i < candidates; ++i) {
      const double alone = one(i);
      if (std::isnan(expected[i])) {
        ASSERT_TRUE(std::isnan(alone)) << i;
      } else {
        ASSERT_EQ(std::bit_cast<std::uint64_t>(alone), std::bit_cast<std::uint64_t>(expected[i])) << i;
      }
    }
    for (const double limit : {no_limit, cheapest, 1.5 * cheapest}) {
      std::vector<double> costs(candidates, -1.0);
      together(limit, costs);
      for (std::size_t i = 0; i < candidates; ++i) {
        if (std::isnan(expected[i])) {
          ASSERT_TRUE(std::isnan(costs[i])) << i;
        } else if (costs[i] != expected[i]) {
          ASSERT_GT(costs[i], cheapest) << i << " costs " << expected[i];
          ASSERT_GT(expected[i], cheapest) << i << " costs " << costs[i];
        }
      }
    }
  });
}

// Wide ones and narrow ones, neighbours and others, of no multiple of a vector's lanes.
std::vector<Window> windows_of(const Histogram& histogram, SplitMix64& random) {
  const int bins = histogram.bins();
  const int zero = zero_bin(histogram);
  std::vector<Window> windows;
  for (int end = std::max(zero + 1, bins - 20); end <= bins; ++end) windows.push_back({0, end});
  for (int begin = std::min(zero, 9); begin >= 0; --begin) windows.push_back({begin, bins});
  for (int i = 0; i < 6; ++i) {
    const int begin = static_cast<int>(random.below(static_cast<std::uint64_t>(bins)));
    windows.push_back(
        {begin, begin + 1 + static_cast<int>(random.below(static_cast<std::uint64_t>(bins - begin)))});
  }
  return windows;
}

TEST(SearchTargets, Entropy) {
  SplitMix64 random(1);
  for (const HistogramCase& c : histogram_cases()) {
    SCOPED_TRACE(c.name);
    const std::vector<Window> windows = windows_of(c.histogram, random);
    for (const int levels : {4, 128, 256, 65536}) {
      const EntropyCosts costs(c.histogram, levels, zero_bin(c.histogram));
      expect_same_costs(
          windows.size(), [&](std::size_t i) { return costs(windows[i]); },
          [&](double limit, std::vector<double>& found) { costs(windows, limit, found); });
    }
  }
}

TEST(SearchTargets, SquaredErrors) {
  SplitMix64 random(2);
  for (const HistogramCase& c : histogram_cases()) {
    SCOPED_TRACE(c.name);
    for (const int bits : {2, 4, 8, 16}) {
      const IntegerRange range = integer_range(bits, true, false);
      std::vector<Candidate> candidates;
      for (const Window& window : windows_of(c.histogram, random)) {
        const double low = std::min(c.histogram.edge(window.begin), 0.0);
        const double high = std::max(c.histogram.edge(window.end), 0.0);
        const double scale = asymmetric_scale(low, high, range);
        candidates.push_back({scale, asymmetric_zero_point(low, scale, range)});
      }
      const SquaredErrorCosts costs(c.histogram);
      const SquaredErrorCosts bounded(c.histogram, std::min(1 << bits, c.histogram.bins()));
      expect_same_costs(
          candidates.size(),
          [&](std::size_t i) { return costs(candidates[i].scale, candidates[i].zero_point, range); },
          [&](double limit, std::vector<double>& found) { bounded(candidates, range, limit, found); });
    }
  }
}

}  // namespace
}  // namespace qcal::testing
