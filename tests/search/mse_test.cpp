#include "engine/search/mse.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/search/histogram_window.h"
#include "engine/search/squared_error_costs.h"
#include "kernels/candidate_scales_math.h"
#include "tests/reference/histogram_cases.h"
#include "tests/reference/reference_mse.h"
#include "tests/reference/winner.h"

namespace qcal::testing {
namespace {

SearchSettings mse_settings(int bits, bool is_signed, bool narrow, Counted counted) {
  SearchSettings settings;
  settings.bit_width = bits;
  settings.is_signed = is_signed;
  settings.symmetric = counted == Counted::magnitude;
  settings.range = integer_range(bits, is_signed, narrow && settings.symmetric);
  settings.method = Method::mse;
  return settings;
}

Candidate candidate_of(const ClipRange& clip, const SearchSettings& settings) {
  if (settings.symmetric) return {symmetric_scale(clip.high, settings.range), 0};
  const double scale = asymmetric_scale(clip.low, clip.high, settings.range);
  return {scale, asymmetric_zero_point(clip.low, scale, settings.range)};
}

// Ours adds, for each level, second - 2 v first + v^2 zeroth with prefix sums over positions u in bins: exact
// integers up to 2^53, then six roundings of numbers no larger than n u^2 with n the level's counts and u at
// most bins + |v|, v the value of the level in bins. Summed over levels: 8 roundings of N (bins + v)^2, times
// width^2. v itself is off by 4 roundings, which moves a squared distance d^2 by 2 d dv: the same order. The
// reference (and the cut end bins) err relatively, by at most 8 roundings of the cost.
double tolerance(const Histogram& histogram, double scale, IntegerRange range, std::int64_t zero_point,
                 double cost) {
  double total = 0.0;
  for (const std::uint64_t count : histogram.counts) total += static_cast<double>(count);
  const double top = scale / histogram.width *
                     static_cast<double>(std::max(range.qmax - zero_point, zero_point - range.qmin));
  const double reach = histogram.bins() + std::min(top, static_cast<double>(histogram.bins()));
  return 16.0 * 0x1p-53 * total * reach * reach * histogram.width * histogram.width + 8.0 * 0x1p-53 * cost;
}

TEST(SquaredErrorCosts, EqualTheDefinition) {
  SplitMix64 random(1);
  int compared = 0;
  for (const HistogramCase& c : histogram_cases()) {
    SCOPED_TRACE(c.name);
    const SquaredErrorCosts costs(c.histogram);
    for (const int bits : {2, 3, 4, 5, 8, 12, 16}) {
      for (const bool is_signed : {true, false}) {
        const SearchSettings settings = mse_settings(bits, is_signed, random.below(2) == 0, c.counted);
        const SquaredErrorCosts limited(c.histogram,
                                        std::min(quantized_levels(settings), c.histogram.bins()));
        for (int i = 0; i < 8; ++i) {
          const double share = i == 0 ? 1.0 : 0.02 + 1.2 * random.uniform();
          const ClipRange clip{share * c.histogram.low, share * c.histogram.high};
          const Candidate candidate = candidate_of(clip, settings);
          const double expected =
              reference_squared_error(c.histogram, candidate.scale, candidate.zero_point, settings.range);
          const double ours = costs(candidate.scale, candidate.zero_point, settings.range);
          ASSERT_NEAR(ours, expected,
                      tolerance(c.histogram, candidate.scale, settings.range, candidate.zero_point, expected))
              << bits << " bits, share " << share;
          // A limit that is not exceeded changes no bit; one that is, is never reported as kept.
          ASSERT_EQ(limited(candidate.scale, candidate.zero_point, settings.range, ours), ours);
          const double below = std::min(std::nextafter(ours, 0.0), ours * random.uniform());
          if (ours > 0.0) {
            ASSERT_GT(limited(candidate.scale, candidate.zero_point, settings.range, below), below);
          }
          ++compared;
        }
      }
    }
  }
  EXPECT_GT(compared, 20'000);
}

// Of equal counts the levels cost hardly more than what is known of them ahead.
TEST(SquaredErrorCosts, ALimitThatIsNotExceededChangesNothingWhereTheBoundIsTight) {
  constexpr int bins = 2048;
  for (const std::uint64_t count : {std::uint64_t{1}, std::uint64_t{1000}, std::uint64_t{1} << 45}) {
    for (const bool is_cut : {false, true}) {
      Histogram histogram;
      histogram.counts.assign(bins, count);
      histogram.width = 0.01;
      histogram.high = bins * 0.01 - (is_cut ? 0.004 : 0.0);
      for (const int bits : {4, 8}) {
        const SearchSettings settings = mse_settings(bits, true, false, Counted::magnitude);
        const SquaredErrorCosts costs(histogram);
        const SquaredErrorCosts limited(histogram, quantized_levels(settings));
        for (int end = 200; end <= bins; ++end) {
          const double scale = symmetric_scale(histogram.edge(end), settings.range);
          const double cost = costs(scale, 0, settings.range);
          ASSERT_EQ(limited(scale, 0, settings.range, cost), cost) << count << ", " << end;
        }
      }
    }
  }
}

// Any scale, not only those of windows: as for power-of-two candidates and accumulated diffs.
TEST(SquaredErrorCosts, AnyScaleAndZeroPoint) {
  SplitMix64 random(2);
  for (const HistogramCase& c : histogram_cases()) {
    SCOPED_TRACE(c.name);
    const SquaredErrorCosts costs(c.histogram);
    const double reach = std::max(std::fabs(c.histogram.low), std::fabs(c.histogram.high));
    if (reach == 0.0) continue;
    for (int i = 0; i < 20; ++i) {
      const IntegerRange range =
          integer_range(2 + static_cast<int>(random.below(11)), random.below(2) == 0, false);
      const double scale = std::ldexp(reach * (0.5 + random.uniform()), -static_cast<int>(random.below(16)));
      const std::int64_t zero_point =
          range.qmin + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(range.steps() + 1)));
      const double expected = reference_squared_error(c.histogram, scale, zero_point, range);
      ASSERT_NEAR(costs(scale, zero_point, range), expected,
                  tolerance(c.histogram, scale, range, zero_point, expected))
          << "scale " << scale << " zero point " << zero_point << " in " << range.qmin << ".." << range.qmax;
    }
  }
}

// One-sided searches, every candidate of each: costs like the reference's, and the reference's winner.
TEST(MseSearch, EveryCandidateOfOver200Histograms) {
  int decided = 0;
  std::size_t searched = 0;
  for (const HistogramCase& c : magnitude_cases()) {
    const int bits = std::vector{2, 3, 4, 5, 8, 12, 16}[searched % 7];
    SearchSettings settings = mse_settings(bits, searched % 2 == 0, searched % 3 == 0, c.counted);
    const int bins = c.histogram.bins();
    int start = std::clamp(quantized_levels(settings), 1, bins);
    if (searched % 3 == 1) settings.search_start = {.kind = SearchStart::Kind::levels};
    if (searched % 3 == 2) {
      settings.search_start = {.kind = SearchStart::Kind::bins, .bins = 1500};
      start = std::clamp(1500, 1, bins);
    }
    ++searched;
    SCOPED_TRACE(c.name + ", " + std::to_string(bits) + " bits");
    const SquaredErrorCosts costs(c.histogram);
    Winner winner;
    double allowed = 0.0;
    for (int end = start; end <= bins; ++end) {
      const double scale = symmetric_scale(c.histogram.edge(end), settings.range);
      const double cost = reference_squared_error(c.histogram, scale, 0, settings.range);
      const double error = tolerance(c.histogram, scale, settings.range, 0, cost);
      ASSERT_NEAR(costs(scale, 0, settings.range), cost, error) << end;
      allowed = std::max(allowed, error);
      winner.offer(end, cost);
    }
    if (winner.margin <= 2.0 * allowed) continue;
    ++decided;
    const ClipRange clip = mse_range(c.histogram, settings, standard_preset);
    EXPECT_EQ(clip.high, c.histogram.edge(winner.end)) << "end " << winner.end;
  }
  EXPECT_GT(searched, 200u);
  EXPECT_GT(decided, 120);
}

TEST(MseSearch, NeitherEndWantsToMove) {
  for (const Shape shape : {Shape::normal, Shape::relu, Shape::bimodal, Shape::heavy_tail, Shape::negative}) {
    for (const int bits : {3, 4, 8}) {
      SCOPED_TRACE(shape);
      const Histogram histogram = histogram_of(samples(shape, 20'000, 6), Counted::value, false);
      const SearchSettings settings = mse_settings(bits, true, false, Counted::value);
      const ClipRange clip = mse_range(histogram, settings, standard_preset);
      const auto cost_of = [&](const ClipRange& range) {
        const Candidate candidate = candidate_of(range, settings);
        return reference_squared_error(histogram, candidate.scale, candidate.zero_point, settings.range);
      };
      const double cost = cost_of(clip);
      const Candidate chosen = candidate_of(clip, settings);
      const double allowed =
          2.0 * tolerance(histogram, chosen.scale, settings.range, chosen.zero_point, cost);
      const int zero = zero_bin(histogram);
      const int levels = 1 << bits;
      for (int end = zero + 1; end <= histogram.bins(); ++end) {
        if (histogram.edge(end) - clip.low < (levels - 0.5) * histogram.width) continue;
        ASSERT_GE(cost_of({clip.low, histogram.edge(end)}), cost - allowed) << end;
      }
      for (int begin = zero; begin >= 0; --begin) {
        if (clip.high - histogram.edge(begin) < (levels - 0.5) * histogram.width) continue;
        ASSERT_GE(cost_of({histogram.edge(begin), clip.high}), cost - allowed) << begin;
      }
    }
  }
}

// An outlier costs less clipped than spread over every other value's error.
TEST(MseSearch, ClipsAnOutlierAtFewBits) {
  const Histogram histogram = histogram_of(samples(Shape::outlier, 100'000, 1), Counted::magnitude, false);
  const double amax =
      mse_range(histogram, mse_settings(4, true, false, Counted::magnitude), standard_preset).high;
  EXPECT_LT(amax, 0.1 * histogram.high);
}

}  // namespace
}  // namespace qcal::testing
