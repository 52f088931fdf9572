#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/transform/equalization_scales.h"

namespace qcal {
namespace {

constexpr float smallest_magnitude = 1e-7F;

float largest(std::span<const float> values) {
  float result = 0;
  for (const float value : values) result = std::max(result, std::abs(value));
  return result;
}

// Magnitudes of one channel's weights, none of them zero.
std::vector<float> nonzero_magnitudes(std::span<const float> weights) {
  float smallest = 0;
  for (const float weight : weights) {
    const float magnitude = std::abs(weight);
    if (magnitude > 0 && (smallest == 0 || magnitude < smallest)) smallest = magnitude;
  }
  std::vector<float> result;
  for (const float weight : weights) {
    const float magnitude = weight == 0 ? smallest : std::abs(weight);
    result.push_back(std::max(magnitude, smallest_magnitude));
  }
  return result;
}

double median(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 != 0) return *middle;
  return (double{*std::max_element(values.begin(), middle)} + *middle) / 2;
}

// How much of the bias counts as range: it is divided by the result.
float shrink_factor(std::span<const float> magnitudes, std::span<const float> bias) {
  const std::size_t per_channel = magnitudes.size() / bias.size();
  std::vector<float> ratios;
  for (std::size_t i = 0; i < magnitudes.size(); ++i)
    ratios.push_back(std::abs(bias[i / per_channel]) / magnitudes[i]);
  const double mean = std::accumulate(ratios.begin(), ratios.end(), 0.0) / static_cast<double>(ratios.size());
  const double middle = median(std::move(ratios));
  const float largest_bias = largest(bias);
  if (largest_bias < 10 && largest_bias / largest(magnitudes) < 20)
    return middle > 100 || mean > 1000 ? 5.0F : 2.0F;
  if (middle > 30 || mean > 500) return 20;
  return middle > 15 || mean > 100 ? 10.0F : 5.0F;
}

}  // namespace

std::vector<float> vitis_scales(const VitisPair& pair) {
  const std::size_t channels = pair.next_ranges.size();
  const std::size_t per_channel = pair.weights.size() / channels;
  std::vector<float> magnitudes;
  std::vector<float> bias(pair.bias.begin(), pair.bias.end());
  std::vector<float> ranges;
  for (std::size_t c = 0; c < channels; ++c) {
    const auto weights = pair.weights.subspan(c * per_channel, per_channel);
    const std::vector<float> nonzero = nonzero_magnitudes(weights);
    magnitudes.insert(magnitudes.end(), nonzero.begin(), nonzero.end());
    ranges.push_back(largest(weights));
    if (ranges.back() == 0 && !bias.empty()) bias[c] = 0;
  }
  if (!bias.empty()) {
    const float shrink = shrink_factor(magnitudes, bias);
    for (std::size_t c = 0; c < channels; ++c) ranges[c] = std::max(ranges[c], std::abs(bias[c]) / shrink);
  }
  std::vector<float> scales;
  for (std::size_t c = 0; c < channels; ++c) {
    const float product = ranges[c] * pair.next_ranges[c];
    const bool passed_over = product == 0 || ranges[c] + pair.next_ranges[c] < 0.5F;
    scales.push_back(passed_over ? 1.0F : ranges[c] / std::sqrt(product));
  }
  return scales;
}

}  // namespace qcal
