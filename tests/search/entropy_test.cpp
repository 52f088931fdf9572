#include "engine/search/entropy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/search/entropy_costs.h"
#include "engine/search/histogram_window.h"
#include "tests/reference/histogram_cases.h"
#include "tests/reference/reference_entropy.h"
#include "tests/reference/winner.h"

namespace qcal::testing {
namespace {

SearchSettings entropy_settings(int bits, bool is_signed, Counted counted) {
  SearchSettings settings;
  settings.bit_width = bits;
  settings.is_signed = is_signed;
  settings.range = integer_range(bits, is_signed, false);
  settings.symmetric = counted == Counted::magnitude;
  settings.method = Method::entropy;
  return settings;
}

// Ours is (sum p ln p - sum over levels p ln mean) / N + ln(kept / N). Every prefix sum of c ln c is below
// N ln N and takes one rounding a bin, each of its terms 1 ulp of the logarithm and one of the product; the
// sum over levels takes the same: 2 * (bins + levels) * 3 roundings of numbers below N ln N, divided by N.
// The reference's own error is smaller (terms p/N ln(p/q), one rounding each). The last logarithms add 4
// roundings of ln N.
double tolerance(const Histogram& histogram, int levels) {
  double total = 3.0;
  for (const std::uint64_t count : histogram.counts) total += static_cast<double>(count);
  const double used = std::min(levels, histogram.bins());
  return (6.0 * (histogram.bins() + used) + 4.0) * 0x1p-53 * std::log(2.0 * total);
}

bool same_cost(double ours, double reference, double allowed) {
  if (std::isnan(reference)) return std::isnan(ours);
  if (std::isinf(reference)) return std::isinf(ours);
  return std::fabs(ours - reference) <= allowed;
}

std::vector<int> ends_to_try(int bins, SplitMix64& random) {
  std::vector<int> ends = {1, bins};
  for (int i = 0; i < 5; ++i)
    ends.push_back(1 + static_cast<int>(random.below(static_cast<std::uint64_t>(bins))));
  for (int end = std::max(1, bins - 2); end < bins; ++end) ends.push_back(end);
  return ends;
}

TEST(EntropyCosts, EqualTheDefinition) {
  SplitMix64 random(1);
  int finite = 0;
  int infinite = 0;
  int cut_short = 0;
  for (const HistogramCase& c : histogram_cases()) {
    SCOPED_TRACE(c.name);
    for (const int bits : {2, 3, 4, 5, 8, 12, 16}) {
      const int levels = quantized_levels(entropy_settings(bits, true, c.counted));
      const int zero = zero_bin(c.histogram);
      EntropyCosts costs(c.histogram, levels, zero);
      const std::vector<double> counts =
          without_zero_spike(c.histogram.counts, static_cast<std::size_t>(zero));
      for (const int end : ends_to_try(c.histogram.bins(), random)) {
        const int begin = c.counted == Counted::magnitude
                              ? 0
                              : static_cast<int>(random.below(static_cast<std::uint64_t>(end)));
        const double expected =
            reference_entropy(counts, levels, static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
        const double ours = costs({begin, end});
        ASSERT_TRUE(same_cost(ours, expected, tolerance(c.histogram, levels)))
            << "[" << begin << ", " << end << ") of " << c.histogram.bins() << ", " << bits
            << " bits: " << ours << " instead of " << expected;
        // A limit that is not exceeded changes no bit; one that is, is never reported as kept.
        if (!std::isnan(ours)) {
          ASSERT_EQ(costs({begin, end}, ours), ours);
        }
        if (std::isfinite(ours)) {
          const double below = ours - random.uniform() * std::max(ours, 1e-6);
          const double bound = costs({begin, end}, below);
          ASSERT_GT(bound, below);
          cut_short += bound != ours ? 1 : 0;
          ASSERT_LE(bound, ours + tolerance(c.histogram, levels));
        }
        finite += std::isfinite(expected) ? 1 : 0;
        infinite += std::isinf(expected) ? 1 : 0;
      }
    }
  }
  EXPECT_GT(finite, 5'000);
  EXPECT_GT(infinite, 100);
  EXPECT_GT(cut_short, 1'000);
}

// One-sided searches, every candidate of each: costs like the reference's, and the reference's winner.
TEST(EntropySearch, EveryCandidateOfOver200Histograms) {
  struct Start {
    SearchStart requested;
    int (*first)(int bins, int levels);
  };
  const Start starts[] = {
      {{.kind = SearchStart::Kind::levels}, [](int bins, int levels) { return std::clamp(levels, 1, bins); }},
      {{}, [](int bins, int levels) { return std::clamp(std::max((3 * bins + 3) / 4, levels), 1, bins); }},
      {{.kind = SearchStart::Kind::bins, .bins = 1900},
       [](int bins, int) { return std::clamp(1900, 1, bins); }},
  };
  int decided = 0;
  std::size_t searched = 0;
  for (const HistogramCase& c : magnitude_cases()) {
    const Start& start = starts[searched % 3];
    const int bits = std::vector{2, 3, 4, 5, 8, 12, 16}[searched % 7];
    SearchSettings settings = entropy_settings(bits, searched % 2 == 0, c.counted);
    ++searched;
    SCOPED_TRACE(c.name + ", " + std::to_string(bits) + " bits");
    settings.search_start = start.requested;
    const int levels = quantized_levels(settings);
    const int bins = c.histogram.bins();
    const std::vector<double> counts = without_zero_spike(c.histogram.counts, 0);
    EntropyCosts costs(c.histogram, levels, 0);
    const double allowed = tolerance(c.histogram, levels);
    Winner winner;
    for (int end = start.first(bins, levels); end <= bins; ++end) {
      const double cost = reference_entropy(counts, levels, 0, static_cast<std::size_t>(end));
      ASSERT_TRUE(same_cost(costs({0, end}), cost, allowed)) << end << ": " << cost;
      winner.offer(end, cost);
    }
    const ClipRange clip = entropy_range(c.histogram, settings, standard_preset);
    EXPECT_EQ(clip.low, -clip.high);
    if (winner.end == 0) {  // nothing but NaN: keep everything
      EXPECT_EQ(clip.high, c.histogram.high);
    } else if (winner.margin > 2.0 * allowed) {
      ++decided;
      EXPECT_EQ(clip.high, c.histogram.edge(winner.end)) << "end " << winner.end;
    }
  }
  EXPECT_GT(searched, 200u);
  EXPECT_GT(decided, 120);
}

// Two-sided: no single move of either end may pay. (A window of empty bins costs NaN, which is not less.)
TEST(EntropySearch, NeitherEndWantsToMove) {
  for (const Shape shape : {Shape::normal, Shape::relu, Shape::bimodal, Shape::heavy_tail, Shape::negative}) {
    SCOPED_TRACE(shape);
    const Histogram histogram = histogram_of(samples(shape, 20'000, 6), Counted::value, true);
    const SearchSettings settings = entropy_settings(8, true, Counted::value);
    const ClipRange clip = entropy_range(histogram, settings, standard_preset);
    const int zero = zero_bin(histogram);
    EntropyCosts costs(histogram, 256, zero);
    int begin = 0;
    int end = histogram.bins();
    while (histogram.edge(begin) < clip.low) ++begin;
    while (histogram.edge(end) > clip.high) --end;
    EXPECT_EQ(histogram.edge(begin), clip.low);
    EXPECT_EQ(histogram.edge(end), clip.high);
    const int start = (3 * histogram.bins() + 3) / 4;
    const double cost = costs({begin, end});
    for (int other = std::max(begin + start, zero + 1); other <= histogram.bins(); ++other) {
      ASSERT_FALSE(costs({begin, other}) < cost) << other;
    }
    for (int other = std::min(end - start, zero); other >= 0; --other)
      ASSERT_FALSE(costs({other, end}) < cost) << other;
  }
}

// The spike of zeros after a relu must not decide: that is why bin 0 is replaced.
TEST(EntropySearch, ZerosDoNotMatter) {
  std::vector<float> values = samples(Shape::normal, 20'000, 6);
  for (float& x : values) x = std::fabs(x) + 1e-3f;
  const SearchSettings settings = entropy_settings(8, true, Counted::magnitude);
  const ClipRange without =
      entropy_range(histogram_of(values, Counted::magnitude, false), settings, standard_preset);
  values.insert(values.end(), 500'000, 0.0f);
  const ClipRange with =
      entropy_range(histogram_of(values, Counted::magnitude, false), settings, standard_preset);
  EXPECT_EQ(with.high, without.high);
}

// As many levels as bins lose nothing, so nothing is clipped; more counts than 2^32 change nothing.
TEST(EntropySearch, ExtremeCounts) {
  const std::vector<std::uint64_t> counts = {1, std::uint64_t{1} << 45, 3, std::uint64_t{1} << 40, 1};
  const Histogram histogram = histogram_with(counts, 0.0, 1.0, 0.0);
  for (const int bits : {4, 8, 16}) {
    EXPECT_EQ(
        entropy_range(histogram, entropy_settings(bits, true, Counted::magnitude), standard_preset).high,
        5.0);
  }
}

}  // namespace
}  // namespace qcal::testing
