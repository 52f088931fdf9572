#include <algorithm>
#include <cmath>

#include "kernels/histogram.h"

namespace qcal {
namespace {

// Merges pairs (or larger groups) of bins until their width is `width`.
Histogram widened(const Histogram& histogram, double width) {
  if (histogram.width == width) return histogram;
  const double ratio = histogram.width / width;  // a power of two below 1: every product here is exact
  const double first = histogram.origin / histogram.width;
  const double new_first = std::floor(first * ratio);
  Histogram wide = histogram;
  wide.width = width;
  wide.origin = new_first * width;
  const double last = first + static_cast<double>(histogram.bins() - 1);
  wide.counts.assign(static_cast<std::size_t>(std::floor(last * ratio) - new_first) + 1, 0);
  for (int i = 0; i < histogram.bins(); ++i) {
    const auto bin = static_cast<std::size_t>(std::floor((first + i) * ratio) - new_first);
    wide.counts[bin] += histogram.counts[static_cast<std::size_t>(i)];
  }
  return wide;
}

struct BinSpan {
  double first;
  double last;
  double size() const { return last - first + 1.0; }
};

BinSpan common_bins(const Histogram& a, const Histogram& b) {
  const double first = std::min(a.origin, b.origin) / a.width;
  const double last = std::max(a.origin / a.width + a.bins(), b.origin / b.width + b.bins()) - 1.0;
  return {first, last};
}

}  // namespace

Histogram dyadic_histogram(const ValueRange& range, Counted counted) {
  Histogram histogram;
  if (range.empty()) return histogram;
  const CountedSpan span = counted_span(range, counted);
  const DyadicBins grid = dyadic_bins(span);
  histogram.width = exact_power_of_two(grid.exponent);
  histogram.origin = static_cast<double>(grid.first) * histogram.width;
  histogram.low = span.low;
  histogram.high = span.high;
  histogram.counts.assign(static_cast<std::size_t>(grid.bins), 0);
  return histogram;
}

Histogram linear_histogram(const ValueRange& range, Counted counted) {
  Histogram histogram;
  if (range.empty()) return histogram;
  const CountedSpan span = counted_span(range, counted);
  histogram.low = span.low;
  histogram.high = span.high;
  histogram.origin = histogram.low;
  histogram.width = (histogram.high - histogram.low) / histogram_bins;
  if (histogram.high > histogram.low) histogram.counts.assign(histogram_bins, 0);
  return histogram;
}

Histogram merge(const Histogram& a, const Histogram& b) {
  if (a.counts.empty()) return b;
  if (b.counts.empty()) return a;
  double width = std::max(a.width, b.width);
  Histogram left = widened(a, width);
  Histogram right = widened(b, width);
  while (common_bins(left, right).size() > histogram_bins) {
    width *= 2.0;
    left = widened(left, width);
    right = widened(right, width);
  }
  const BinSpan span = common_bins(left, right);
  Histogram both;
  both.width = width;
  both.origin = span.first * width;
  both.low = std::min(a.low, b.low);
  both.high = std::max(a.high, b.high);
  both.counts.assign(static_cast<std::size_t>(span.size()), 0);
  for (const Histogram* part : {&left, &right}) {
    const auto offset = static_cast<std::size_t>(part->origin / width - span.first);
    for (std::size_t i = 0; i < part->counts.size(); ++i) both.counts[offset + i] += part->counts[i];
  }
  return both;
}

}  // namespace qcal
