#include "bench/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/half_math.h"
#include "tests/reference/reference_quantize.h"

namespace qcal::bench {
namespace {

using Values = std::vector<float>;

template <class Stored>
Stored element(const TensorView& view, std::int64_t index) {
  Stored stored;
  std::memcpy(&stored, static_cast<const char*>(view.data) + index * static_cast<std::int64_t>(sizeof stored),
              sizeof stored);
  return stored;
}

float as_float(const TensorView& view, std::int64_t index) {
  switch (view.dtype) {
    case DType::f32:
      return element<float>(view, index);
    case DType::f64:
      return static_cast<float>(element<double>(view, index));
    case DType::f16:
      return float16_to_float(element<std::uint16_t>(view, index));
    case DType::bf16:
      return bfloat16_to_float(element<std::uint16_t>(view, index));
  }
  return 0.0f;
}

std::vector<Values> channels_of(const TensorView& view, std::optional<int> axis) {
  if (!axis) axis = 0;
  const auto rank = static_cast<int>(view.shape.size());
  const auto at = static_cast<std::size_t>(*axis < 0 ? *axis + rank : *axis);
  std::int64_t inner = 1;
  for (std::size_t d = at + 1; d < view.shape.size(); ++d) inner *= view.shape[d];
  std::vector<Values> channels(static_cast<std::size_t>(view.shape[at]));
  for (std::int64_t i = 0; i < view.size(); ++i) {
    channels[static_cast<std::size_t>(i / inner % view.shape[at])].push_back(as_float(view, i));
  }
  return channels;
}

Values all_values(const TensorView& view) {
  Values values;
  for (std::int64_t i = 0; i < view.size(); ++i) values.push_back(as_float(view, i));
  return values;
}

bool is_linear(Binning binning) {
  return binning == Binning::linear_magnitude || binning == Binning::linear_value;
}

std::vector<std::uint64_t> naive_counts(const Values& values, const Histogram& histogram, Binning binning) {
  const bool magnitude = binning == Binning::linear_magnitude || binning == Binning::dyadic_magnitude;
  const auto low = static_cast<float>(histogram.low);
  const auto high = static_cast<float>(histogram.high);
  std::vector<std::uint64_t> counts(histogram.counts.size());
  for (const float value : values) {
    const float x = magnitude ? std::fabs(value) : value;
    double bin = 0.0;
    if (is_linear(binning)) {
      const float product = (x - low) * static_cast<float>(histogram.bins());
      bin = std::floor(static_cast<double>(product / (high - low)));
    } else {
      bin = std::floor(static_cast<double>(x) / histogram.width) - histogram.origin / histogram.width;
    }
    ++counts[static_cast<std::size_t>(std::min(bin, static_cast<double>(histogram.bins() - 1)))];
  }
  return counts;
}

// Of candidate k, in units of the power of two below candidate 0.
double naive_error(const Values& values, const CandidateSpec& spec, float amax, int k) {
  double first = static_cast<double>(amax) / static_cast<double>(spec.range.qmax);
  if (spec.rule == CandidateRule::power_of_two) first = std::exp2(std::ceil(std::log2(first)));
  const double unit = std::ldexp(1.0, -std::ilogb(first));
  const testing::ReferenceQuantizer quantizer{static_cast<float>(std::ldexp(first, -k)), 0, spec.range,
                                              spec.rounding};
  double sum = 0.0;
  for (const float x : values) {
    const double error = testing::reference_step_error(x, quantizer);
    sum += error * error;
  }
  const double step = static_cast<double>(quantizer.scale) * unit;
  return sum * step * step;
}

// The ordered sum adds 32 times in float32, after at most three roundings of a term.
constexpr double rounding_of_sums = (32.0 + 4.0) * 0x1p-24;

std::string moments_difference(const Values& values, const Moments& found) {
  double sum = 0.0;
  double magnitudes = 0.0;
  double squares = 0.0;
  for (const float value : values) {
    const auto x = static_cast<double>(value);
    sum += x;
    magnitudes += std::fabs(x);
    squares += x * x;
  }
  if (std::fabs(found.sum - sum) > rounding_of_sums * magnitudes) {
    return fmt::format("sum {}, naively {}", found.sum, sum);
  }
  if (std::fabs(found.sum_of_squares - squares) > rounding_of_sums * squares) {
    return fmt::format("sum of squares {}, naively {}", found.sum_of_squares, squares);
  }
  return "";
}

std::string channel_difference(const Values& values, const CollectSpec& spec, const ChannelSummary& found) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (found.range.min != *low || found.range.max != *high || found.range.elements != values.size()) {
    return fmt::format("range [{}, {}], naively [{}, {}]", found.range.min, found.range.max, *low, *high);
  }
  if (spec.binning != Binning::none &&
      naive_counts(values, found.histogram, spec.binning) != found.histogram.counts) {
    return "other counts than naively";
  }
  if (spec.moments) {
    std::string difference = moments_difference(values, found.moments);
    if (!difference.empty()) return difference;
  }
  for (std::size_t set = 0; set < spec.candidates.size(); ++set) {
    const double least = std::ranges::min(found.errors[set]);
    for (int k = 0; k < diffs_candidates; ++k) {
      const double naive = naive_error(values, spec.candidates[set], found.range.amax(), k);
      const double error = found.errors[set][static_cast<std::size_t>(k)];
      if (spec.only_cheapest && std::isinf(error) && naive > least) continue;
      if (std::fabs(error - naive) > rounding_of_sums * naive) {
        return fmt::format("squared error {} of candidate {}, naively {}", error, k, naive);
      }
    }
  }
  return "";
}

}  // namespace

std::string difference_from_naive(const TensorView& view, const CollectSpec& spec, const Summary& summary) {
  const std::vector<Values> channels =
      spec.channel_axis ? channels_of(view, spec.channel_axis) : std::vector<Values>{all_values(view)};
  if (summary.channels.size() != channels.size()) return fmt::format("{} channels", summary.channels.size());
  for (std::size_t c = 0; c < channels.size(); ++c) {
    const std::string difference = channel_difference(channels[c], spec, summary.channels[c]);
    if (!difference.empty()) return fmt::format("channel {}: {}", c, difference);
  }
  return "";
}

}  // namespace qcal::bench
