// Histograms of one tensor or channel, and how those of different batches become one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/histogram_math.h"
#include "kernels/statistics_math.h"

namespace qcal {

// counts[i] values lie in [edge(i), edge(i+1)), the last bin including its upper edge.
// Interior edges lie at origin + i * width; the first and the last are the exact ends of the data.
struct Histogram {
  double origin = 0.0;
  double width = 0.0;  // > 0 where there are bins
  double low = 0.0;    // edge(0)
  double high = 0.0;   // edge(bins())
  std::vector<std::uint64_t> counts;
  std::vector<float> edges;  // vai_q_pytorch's own float32 edges (bins()+1); empty for every other binning

  int bins() const { return static_cast<int>(counts.size()); }
  double edge(int i) const {
    if (i <= 0) return low;
    if (i >= bins()) return high;
    return origin + i * width;
  }
  double center(int i) const { return 0.5 * (edge(i) + edge(i + 1)); }
  bool operator==(const Histogram&) const = default;
};

// Adds the values' bins to `counts` (grid.bins entries). Non-finite values and values outside the grid are
// left out.
void count_linear(std::span<const float> values, const LinearBins& grid, Counted counted,
                  std::span<std::uint64_t> counts);

// Adds to counts[dyadic_bin(x) - first]. Non-finite values are left out; all others must have one of at most
// histogram_bins counts.
void count_dyadic(std::span<const float> values, int exponent, std::int64_t first, Counted counted,
                  std::span<std::uint64_t> counts);

// An empty dyadic histogram whose bins hold `range` and 0: value bins from floor(min) on, magnitude bins from
// 0 on.
Histogram dyadic_histogram(const ValueRange& range, Counted counted);

// An empty linear histogram over [min(0, low), max(0, high)] of the range; no bins where that is a single
// point.
Histogram linear_histogram(const ValueRange& range, Counted counted);

// The dyadic histogram of all values of both. Associative and commutative, exact: bins are widened in powers
// of two until 2048 hold the common range. A histogram without bins is the neutral element.
Histogram merge(const Histogram& a, const Histogram& b);

}  // namespace qcal
