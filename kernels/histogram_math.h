// Which bin a value belongs to. Bit-normative: every back end computes the same integer.
//
// Two binnings exist. *Linear* bins divide one batch's own range into equal parts by torch.histc's float32
// formula, as vai_q_pytorch does. *Dyadic* bins have width 2^exponent and lie on multiples of it, so that
// histograms of different batches merge exactly: widening the bins merges pairs, and the result does not
// depend on order or split.
#pragma once

#include <cstdint>

#include "kernels/host_device.h"
#include "kernels/scale_math.h"
#include "kernels/statistics_math.h"

namespace qcal {

inline constexpr int histogram_bins = 2048;
inline constexpr int no_bin = -1;

// Which values are counted: x itself, or its magnitude.
enum class Counted { value, magnitude };

// What the bins of a batch must hold, 0 included.
struct CountedSpan {
  float low = 0.0f;
  float high = 0.0f;
};

QCAL_HOST_DEVICE inline CountedSpan counted_span(const ValueRange& range, Counted counted) {
  if (range.empty()) return {};
  if (counted == Counted::magnitude) return {0.0f, range.amax()};
  return {range.min < 0.0f ? range.min : 0.0f, range.max > 0.0f ? range.max : 0.0f};
}

struct LinearBins {
  float low = 0.0f;    // prescaled
  float high = 0.0f;   // prescaled
  float range = 0.0f;  // f32(high - low)
  float bins = histogram_bins;
  float prescale = 1.0f;  // 2^-24 where (x - low) * bins could overflow, else 1
};

// Bins over [low, high], high > low. Up to 2^20 bins.
QCAL_HOST_DEVICE inline LinearBins linear_bins(float low, float high, int bins = histogram_bins) {
  constexpr float safe = 0x1p106f;  // 2^20 bins * 2 * safe is finite
  LinearBins grid;
  grid.prescale = (high > safe || low < -safe) ? 0x1p-24f : 1.0f;
  grid.low = low * grid.prescale;
  grid.high = high * grid.prescale;
  grid.range = grid.high - grid.low;
  grid.bins = static_cast<float>(bins);
  return grid;
}

// trunc(f32(f32((x - low) * bins) / range)); the top edge belongs to the last bin.
// Values outside [low, high], and NaN, have no bin (save that a prescaled subnormal counts as 0).
QCAL_HOST_DEVICE inline int linear_bin(float x, const LinearBins& grid) {
  const float scaled = x * grid.prescale;
  if (!(scaled >= grid.low && scaled <= grid.high)) return no_bin;
  const int bin = static_cast<int>((scaled - grid.low) * grid.bins / grid.range);
  const int last = static_cast<int>(grid.bins) - 1;
  return bin < last ? bin : last;
}

// floor(x / 2^exponent), exact: inverse_width = 2^-exponent.
QCAL_HOST_DEVICE inline std::int64_t dyadic_bin(float x, double inverse_width) {
  const double position = static_cast<double>(x) * inverse_width;
  const std::int64_t truncated = static_cast<std::int64_t>(position);
  return truncated - (static_cast<double>(truncated) > position ? 1 : 0);
}

// Within these exponents, and for bins within 2^24, float32 does: the product with a power of two is exact,
// save that negative values can vanish in it, which belong below 0 all the same.
inline constexpr int dyadic_float_exponents = 126;

// Exponent of the narrowest dyadic bins of which `histogram_bins` hold [low, high], low <= 0 <= high.
// Depends on the range alone and never falls when the range grows: that makes merging order-free.
QCAL_HOST_DEVICE inline int dyadic_exponent(float low, float high) {
  const double magnitude = static_cast<double>(high > -low ? high : -low);
  constexpr int finest =
      -160;  // below the smallest subnormal's 2^-149 by 11 bits: what an all-zero tensor gets
  if (magnitude == 0.0) return finest;
  int exponent = binary_exponent(magnitude) - 10;
  while (dyadic_bin(high, exact_power_of_two(-exponent)) - dyadic_bin(low, exact_power_of_two(-exponent)) >=
         histogram_bins) {
    ++exponent;
  }
  return exponent;
}

struct DyadicBins {
  int exponent = 0;
  std::int64_t first = 0;  // dyadic_bin() of the lowest
  int bins = 0;
};

// The narrowest that hold the span.
QCAL_HOST_DEVICE inline DyadicBins dyadic_bins(const CountedSpan& span) {
  DyadicBins grid;
  grid.exponent = dyadic_exponent(span.low, span.high);
  const double inverse_width = exact_power_of_two(-grid.exponent);
  grid.first = dyadic_bin(span.low, inverse_width);
  grid.bins = static_cast<int>(dyadic_bin(span.high, inverse_width) - grid.first) + 1;
  return grid;
}

}  // namespace qcal
