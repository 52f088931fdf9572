#include <algorithm>
#include <cmath>
#include <map>

#include "engine/transform/equalization_scales.h"
#include "engine/transform/layer_channels.h"

namespace qcal {
namespace {

constexpr int most_passes = 100;
constexpr double settled = 1.01;
constexpr double bias_share = 0.5;

// Largest weight between two channels.
struct Magnitude {
  std::size_t output;
  std::size_t input;
  double value;
};

struct LayerRanges {
  std::vector<Magnitude> weights;
  std::vector<double> bias;
};

LayerRanges ranges_of(const Graph& graph, const Node& node) {
  const LayerChannels layer = *layer_channels(graph, node);
  const std::vector<float>& weights = *graph.constant(layer.layer.weights)->reals();
  LayerRanges ranges;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto output = static_cast<std::size_t>(layer.output_of(i));
    const auto input = static_cast<std::size_t>(layer.input_of(i));
    const double value = std::abs(double{weights[i]});
    const bool same_kernel = !ranges.weights.empty() && ranges.weights.back().output == output &&
                             ranges.weights.back().input == input;
    if (same_kernel) {
      ranges.weights.back().value = std::max(ranges.weights.back().value, value);
    } else {
      ranges.weights.push_back({output, input, value});
    }
  }
  for (const float value : bias_per_channel(graph, layer.layer).value_or(std::vector<float>{}))
    ranges.bias.push_back(std::abs(double{value}));
  return ranges;
}

// One step for one pair: rescales both layers and returns the scales.
std::vector<double> equalize(const EqualizationPair& pair, LayerRanges& first, LayerRanges& second) {
  const auto channels = static_cast<std::size_t>(pair.channels);
  const auto elements = static_cast<std::size_t>(pair.elements_per_channel);
  std::vector<double> range(channels, 0);
  std::vector<double> next_range(channels, 0);
  for (const Magnitude& weight : first.weights)
    range[weight.output] = std::max(range[weight.output], weight.value);
  for (std::size_t c = 0; c < first.bias.size(); ++c)
    range[c] = std::max(range[c], first.bias[c] * bias_share);
  for (const Magnitude& weight : second.weights) {
    double& next = next_range[weight.input / elements];
    next = std::max(next, weight.value);
  }
  std::vector<double> scales(channels, 1);
  for (std::size_t c = 0; c < channels; ++c) {
    if (range[c] > 0 && next_range[c] > 0) scales[c] = std::sqrt(range[c] / next_range[c]);
  }
  for (Magnitude& weight : first.weights) weight.value /= scales[weight.output];
  for (std::size_t c = 0; c < first.bias.size(); ++c) first.bias[c] /= scales[c];
  for (Magnitude& weight : second.weights) weight.value *= scales[weight.input / elements];
  return scales;
}

float nearest_power_of_two(double scale) {
  constexpr int largest_exponent = 30;  // beyond, a channel is as good as dead
  int exponent = 0;
  const double fraction = std::frexp(scale, &exponent);  // [0.5, 1)
  if (fraction * fraction < 0.5) --exponent;
  return std::ldexp(1.0F, std::clamp(exponent, -largest_exponent, largest_exponent));
}

}  // namespace

std::vector<std::vector<float>> settled_scales(const Graph& graph,
                                               const std::vector<EqualizationPair>& pairs) {
  std::map<std::size_t, LayerRanges> layers;
  std::vector<std::vector<double>> totals;
  for (const EqualizationPair& pair : pairs) {
    for (const std::size_t node : {pair.first, pair.second}) {
      if (!layers.contains(node)) layers.emplace(node, ranges_of(graph, graph.nodes[node]));
    }
    totals.emplace_back(static_cast<std::size_t>(pair.channels), 1.0);
  }
  double moved = pairs.empty() ? 1.0 : 2.0;
  for (int pass = 0; pass < most_passes && moved > settled; ++pass) {
    moved = 1.0;
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      const auto scales = equalize(pairs[p], layers.at(pairs[p].first), layers.at(pairs[p].second));
      for (std::size_t c = 0; c < scales.size(); ++c) {
        totals[p][c] *= scales[c];
        moved = std::max({moved, scales[c], 1 / scales[c]});
      }
    }
  }
  std::vector<std::vector<float>> rounded;
  for (const std::vector<double>& total : totals) {
    std::ranges::transform(total, std::back_inserter(rounded.emplace_back()), nearest_power_of_two);
  }
  return rounded;
}

}  // namespace qcal
