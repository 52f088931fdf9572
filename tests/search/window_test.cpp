#include "engine/search/window.h"

#include <gtest/gtest.h>

#include <limits>

#include "engine/search/histogram_window.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

constexpr double nan_cost = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

// Of one cost at a time.
template <class Cost>
WindowCosts one_by_one(const Cost& cost) {
  return [cost](std::span<const Window> windows, double limit, std::span<double> costs) {
    for (std::size_t i = 0; i < windows.size(); ++i) costs[i] = cost(windows[i], limit);
  };
}

std::vector<int> visited_ends(int bins, const Sweep& sweep) {
  std::vector<int> ends;
  best_upper_end(bins, sweep, one_by_one([&](const Window& window, double) {
                   ends.push_back(window.end);
                   return 0.0;
                 }));
  return ends;
}

int best_of(const std::vector<double>& costs, const Sweep& sweep) {
  return best_upper_end(static_cast<int>(costs.size()), sweep, one_by_one([&](const Window& window, double) {
                          return costs[static_cast<std::size_t>(window.end - 1)];
                        }))
      .end;
}

TEST(UpperEnd, VisitsStartToAllBinsByStride) {
  EXPECT_EQ(visited_ends(5, {.start = 2, .stride = 1}), (std::vector{2, 3, 4, 5}));
  EXPECT_EQ(visited_ends(8, {.start = 2, .stride = 3}), (std::vector{2, 5, 8}));
  EXPECT_EQ(visited_ends(7, {.start = 2, .stride = 3}), (std::vector{2, 5}));
  EXPECT_EQ(visited_ends(1, {.start = 1, .stride = 1}), (std::vector{1}));
  EXPECT_EQ(best_upper_end(3, {.start = 9}, one_by_one([](const Window&, double) { return 0.0; })).end, 3);
}

TEST(UpperEnd, TiesAndNaN) {
  EXPECT_EQ(best_of({5, 1, 7, 1, 9}, {.tie = Tie::first}), 2);
  EXPECT_EQ(best_of({5, 1, 7, 1, 9}, {.tie = Tie::last}), 4);
  EXPECT_EQ(best_of({nan_cost, 3, nan_cost, 4}, {.tie = Tie::last}), 2);
  EXPECT_EQ(best_of({nan_cost, infinite, nan_cost}, {.tie = Tie::last}), 3);
  EXPECT_EQ(best_of({infinite, infinite, 3}, {.tie = Tie::first}), 3);
  EXPECT_EQ(best_of({2, nan_cost, 1, nan_cost, 0}, {.tie = Tie::last, .nan_wins = true}), 4);
  EXPECT_EQ(best_of({2, nan_cost, 1, nan_cost, 0}, {.tie = Tie::first, .nan_wins = true}), 2);
}

TEST(Sweep, Starts) {
  const SearchStart preset{};
  const SearchStart levels{.kind = SearchStart::Kind::levels};
  const SearchStart hundred{.kind = SearchStart::Kind::bins, .bins = 100};
  const auto start = [](int bins, int quantized, const StartRule& rule, const SearchStart& requested) {
    return sweep_for(bins, quantized, rule, Tie::last, standard_preset, requested).start;
  };
  EXPECT_EQ(start(2048, 128, standard_preset.mse_start, preset), 128);
  EXPECT_EQ(start(2048, 128, standard_preset.entropy_start, preset), 1536);
  EXPECT_EQ(start(1025, 128, standard_preset.entropy_start, preset), 769);  // rounded up
  EXPECT_EQ(start(2048, 1800, standard_preset.entropy_start, preset), 1800);
  EXPECT_EQ(start(2048, 4096, standard_preset.mse_start, preset), 2048);  // the top edge alone
  EXPECT_EQ(start(2048, 128, standard_preset.entropy_start, levels), 128);
  EXPECT_EQ(start(2048, 65536, standard_preset.entropy_start, levels), 2048);
  EXPECT_EQ(start(2048, 128, standard_preset.entropy_start, hundred), 100);
  EXPECT_EQ(start(50, 128, standard_preset.entropy_start, hundred), 50);
  EXPECT_EQ(start(2048, 128, vitis_preset.entropy_start, preset), 1536);
}

// Every window that a sweep may choose, by brute force over one end at a time.
template <class Cost>
Window reference_best_window(int bins, int zero_bin, const Sweep& sweep, const Cost& cost) {
  Window window{0, bins};
  for (int round = 0; round < 4; ++round) {
    const Window before = window;
    double best = infinite;
    for (int end = 1; end <= bins; ++end) {
      if (end - window.begin < sweep.start || end <= zero_bin) continue;
      const double c = cost({before.begin, end}, infinite);
      if (c <= best) best = c, window.end = end;
    }
    best = infinite;
    for (int begin = bins - 1; begin >= 0; --begin) {
      if (window.end - begin < sweep.start || begin > zero_bin) continue;
      const double c = cost({begin, window.end}, infinite);
      if (c <= best) best = c, window.begin = begin;
    }
    if (window == before) break;
  }
  return window;
}

TEST(BestWindow, AlternatesBetweenTheEnds) {
  SplitMix64 random(1);
  for (int trial = 0; trial < 300; ++trial) {
    const int bins =
        1 + static_cast<int>(random.below(trial % 4 == 0 ? 200 : 40));  // with and without probes
    const int zero = static_cast<int>(random.below(static_cast<std::uint64_t>(bins)));
    const Sweep sweep{.start = 1 + static_cast<int>(random.below(static_cast<std::uint64_t>(bins)))};
    std::vector<double> costs(static_cast<std::size_t>(bins * bins));
    for (double& cost : costs) cost = std::floor(20.0 * random.uniform());  // with ties
    // A cost above the limit may be any other above it.
    const auto cost = [&](const Window& window, double limit) {
      const double exact = costs[static_cast<std::size_t>(window.begin * bins + window.end - 1)];
      return exact > limit ? limit + 1e-9 : exact;
    };
    const Window window = best_window(bins, zero, sweep, one_by_one(cost));
    ASSERT_EQ(window, reference_best_window(bins, zero, sweep, cost)) << trial;
    ASSERT_LE(window.begin, zero);
    ASSERT_GT(window.end, zero);
    ASSERT_GE(window.size(), sweep.start);
  }
}

TEST(BestWindow, ClampsTheZeroBin) {
  const WindowCosts widest =
      one_by_one([](const Window& window, double) { return static_cast<double>(-window.size()); });
  EXPECT_EQ(best_window(10, 99, {.start = 2}, widest), (Window{0, 10}));
  EXPECT_EQ(best_window(10, -5, {.start = 2}, widest), (Window{0, 10}));
}

TEST(QuantizedLevels, ByWidthSignAndSymmetry) {
  SearchSettings settings;
  settings.bit_width = 8;
  EXPECT_EQ(quantized_levels(settings), 128);
  settings.is_signed = false;
  EXPECT_EQ(quantized_levels(settings), 256);
  settings.symmetric = false;
  settings.is_signed = true;
  EXPECT_EQ(quantized_levels(settings), 256);
  settings.bit_width = 16;
  EXPECT_EQ(quantized_levels(settings), 65'536);
}

// The bin that the counting kernel puts 0 into is the one that the searches take for it.
TEST(ZeroBin, IsWhereZerosAreCounted) {
  SplitMix64 random(5);
  for (int trial = 0; trial < 200'000; ++trial) {
    const auto low = static_cast<float>(-random.uniform() * (random.below(2) == 0 ? 1.0 : 1e-3));
    const auto high = static_cast<float>(random.uniform() + 1e-6);
    const ValueRange range{.min = low, .max = high, .elements = 2};
    const Histogram linear = linear_histogram(range, Counted::value);
    ASSERT_EQ(zero_bin(linear), linear_bin(0.0f, linear_bins(low, high)))
        << std::hexfloat << low << " " << high;
    if (trial % 100 != 0) continue;
    const Histogram dyadic = dyadic_histogram(range, Counted::value);
    ASSERT_EQ(zero_bin(dyadic), static_cast<int>(-std::floor(dyadic.origin / dyadic.width)));
  }
}

// vai_q_pytorch's histogram of zeros has bins without width.
TEST(ZeroBin, BinsWithoutWidth) {
  Histogram zeros;
  zeros.counts.assign(2048, 0);
  EXPECT_EQ(zero_bin(zeros), 0);
  EXPECT_EQ(zero_bin(dyadic_histogram({.min = 0.0f, .max = 0.0f, .elements = 3}, Counted::value)), 0);
}

TEST(ZeroBin, OneSidedData) {
  for (const Counted counted : {Counted::value, Counted::magnitude}) {
    EXPECT_EQ(zero_bin(linear_histogram({.min = 2.0f, .max = 3.0f, .elements = 2}, counted)), 0);
  }
  EXPECT_EQ(zero_bin(linear_histogram({.min = -3.0f, .max = -2.0f, .elements = 2}, Counted::value)), 2047);
}

}  // namespace
}  // namespace qcal::testing
