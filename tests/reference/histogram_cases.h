// A few hundred histograms of the kinds that searches meet: linear and dyadic, of values and of magnitudes,
// of every data shape and of several sizes.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "kernels/histogram.h"
#include "kernels/statistics.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {

struct HistogramCase {
  std::string name;
  Counted counted;
  Histogram histogram;
};

inline Histogram histogram_of(const std::vector<float>& values, Counted counted, bool dyadic) {
  const ValueRange range = range_of(values);
  Histogram histogram = dyadic ? dyadic_histogram(range, counted) : linear_histogram(range, counted);
  if (histogram.counts.empty()) return histogram;
  if (dyadic) {
    const auto first = static_cast<std::int64_t>(histogram.origin / histogram.width);
    count_dyadic(values, std::ilogb(histogram.width), first, counted, histogram.counts);
  } else {
    const auto grid = linear_bins(static_cast<float>(histogram.low), static_cast<float>(histogram.high));
    count_linear(values, grid, counted, histogram.counts);
  }
  return histogram;
}

// Equal bins with given counts, cut at both ends as dyadic histograms are where `cut` > 0.
inline Histogram histogram_with(std::vector<std::uint64_t> counts, double origin, double width, double cut) {
  Histogram histogram;
  histogram.origin = origin;
  histogram.width = width;
  histogram.low = origin < 0.0 ? origin + cut * width : origin;
  histogram.high = origin + (static_cast<double>(counts.size()) - cut) * width;
  histogram.counts = std::move(counts);
  return histogram;
}

// A histogram of samples of `shape`, whose seed also scales them.
inline HistogramCase sampled_case(Shape shape, std::size_t size, Counted counted, bool dyadic,
                                  std::uint64_t seed) {
  const double factor = 0.01 * static_cast<double>(1 + seed % 300);
  const std::string name = std::string(name_of(shape)) + " " + std::to_string(size) +
                           (dyadic ? " dyadic" : " linear") +
                           (counted == Counted::magnitude ? " magnitudes" : " values");
  return {name, counted, histogram_of(samples(shape, size, seed, factor), counted, dyadic)};
}

// Magnitudes only, for searches of one end: 230 histograms of up to 2048 bins.
inline std::vector<HistogramCase> magnitude_cases() {
  std::vector<HistogramCase> cases;
  std::uint64_t seed = 1000;
  for (const Shape shape : all_shapes) {
    for (const bool dyadic : {false, true}) {
      for (const std::size_t size : {100, 400, 900, 2'000, 3'000, 5'000, 8'000, 13'000, 30'000, 50'000}) {
        cases.push_back(sampled_case(shape, size, Counted::magnitude, dyadic, ++seed));
      }
    }
  }
  std::erase_if(cases, [](const HistogramCase& c) { return c.histogram.counts.empty(); });
  return cases;
}

inline std::vector<HistogramCase> histogram_cases() {
  std::vector<HistogramCase> cases;
  std::uint64_t seed = 0;
  for (const Shape shape : all_shapes) {
    for (const Counted counted : {Counted::magnitude, Counted::value}) {
      for (const bool dyadic : {false, true}) {
        for (const std::size_t size : {3, 200, 5'000, 50'000}) {
          cases.push_back(sampled_case(shape, size, counted, dyadic, ++seed));
        }
      }
    }
  }
  // Few bins, with an empty one here and there.
  SplitMix64 random(77);
  for (const std::size_t bins : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{5},
                                 std::size_t{17}, std::size_t{64}, std::size_t{129}, std::size_t{300}}) {
    for (const Counted counted : {Counted::magnitude, Counted::value}) {
      for (const double cut : {0.0, 0.25}) {
        std::vector<std::uint64_t> counts(bins);
        for (std::uint64_t& count : counts) count = random.below(4) == 0 ? 0 : random.below(1000);
        counts.front() += 1;
        counts.back() += 1;
        const double origin =
            counted == Counted::value ? -std::floor(0.4 * static_cast<double>(bins)) * 0.125 : 0.0;
        cases.push_back(
            {std::to_string(bins) + " bins", counted, histogram_with(counts, origin, 0.125, cut)});
      }
    }
  }
  std::erase_if(cases, [](const HistogramCase& c) { return c.histogram.counts.empty(); });
  return cases;
}

}  // namespace qcal::testing
