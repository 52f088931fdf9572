#include "kernels/vitis_histogram.h"

#include <cmath>
#include <string>

#include "kernels/error.h"

namespace qcal {
namespace {

constexpr int most_bins = 1 << 20;

// f32 counters absorb further increments of 1 at 2^24, and sums are rounded to f32.
std::uint64_t float_counter(std::uint64_t count) {
  constexpr std::uint64_t stuck = std::uint64_t{1} << 24;
  return count < stuck ? count : stuck;
}

std::uint64_t float_sum(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>(static_cast<float>(a) + static_cast<float>(b));
}

// torch.linspace(0, end, 2049): the upper half counts down from the end, with one rounding (a fused
// multiply-add; the product is exact in double, and rounding the double difference again is harmless at these
// magnitudes).
std::vector<float> linspace_edges(float end) {
  std::vector<float> edges(histogram_bins + 1);
  const float step = end / static_cast<float>(histogram_bins);
  for (int i = 0; i < histogram_bins / 2; ++i) edges[i] = static_cast<float>(i) * step;
  for (int i = histogram_bins / 2; i <= histogram_bins; ++i) {
    edges[i] = static_cast<float>(static_cast<double>(end) - static_cast<double>(histogram_bins - i) * step);
  }
  return edges;
}

// torch.arange(0, end, width) in blocks of 8 lanes.
std::vector<float> arange_edges(float end, float width) {
  const auto count =
      static_cast<std::size_t>(std::ceil(static_cast<double>(end) / static_cast<double>(width)));
  std::vector<float> edges(count);
  const double step = width;
  const std::size_t blocked = count - count % 8;
  for (std::size_t i = 0; i < blocked; ++i) {
    const float base = static_cast<float>(static_cast<double>(i - i % 8) * step);
    edges[i] = static_cast<float>(static_cast<double>(base) + static_cast<double>(i % 8) * step);
  }
  for (std::size_t i = blocked; i < count; ++i) edges[i] = static_cast<float>(static_cast<double>(i) * step);
  return edges;
}

// torch.histc over [0, last edge]. A range of one point becomes [-1, 1], which puts zeros into the middle
// bin.
std::vector<std::uint64_t> histc(float last_edge, int bins, const CountMagnitudes& count) {
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(bins), 0);
  count(last_edge > 0.0f ? linear_bins(0.0f, last_edge, bins) : linear_bins(-1.0f, 1.0f, bins),
        counts.data());
  for (std::uint64_t& value : counts) value = float_counter(value);
  return counts;
}

Histogram with_edges(std::vector<float> edges, std::vector<std::uint64_t> counts) {
  Histogram histogram;
  histogram.high = edges.back();
  histogram.width = edges[1] - edges[0];
  histogram.edges = std::move(edges);
  histogram.counts = std::move(counts);
  return histogram;
}

}  // namespace

Histogram vitis_accumulate(const Histogram& before, const ValueRange& batch, const CountMagnitudes& count) {
  const float amax = batch.amax();
  if (before.counts.empty()) return with_edges(linspace_edges(amax), histc(amax, histogram_bins, count));

  if (before.edges.back() == 0.0f && amax > 0.0f) {
    // Bins without width cannot grow; the peer fails. The zeros seen so far belong to the first real bin.
    Histogram fresh = with_edges(linspace_edges(amax), histc(amax, histogram_bins, count));
    for (const std::uint64_t zeros : before.counts) fresh.counts[0] = float_sum(fresh.counts[0], zeros);
    return fresh;
  }
  std::vector<float> edges = before.edges;
  if (amax > edges.back()) {
    const float width = edges[1] - edges[0];
    const float bins = std::ceil(amax / width);
    if (!(bins < static_cast<float>(most_bins))) {
      throw InvalidArgument("accumulated histogram (vitis): a batch maximum of " + std::to_string(amax) +
                            " needs " + std::to_string(bins) + " bins of the first batch's width " +
                            std::to_string(width) + "; the standard preset has no such limit");
    }
    edges = arange_edges(amax + width, width);
  }
  const int bins = static_cast<int>(edges.size()) - 1;
  std::vector<std::uint64_t> counts = histc(edges.back(), bins, count);
  for (std::size_t i = 0; i < before.counts.size(); ++i) counts[i] = float_sum(counts[i], before.counts[i]);
  return with_edges(std::move(edges), std::move(counts));
}

}  // namespace qcal
