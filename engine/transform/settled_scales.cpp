#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "engine/graph/weight_kernels.h"
#include "engine/transform/equalizable_layer.h"
#include "engine/transform/equalization_scales.h"

namespace qcal {
namespace {

constexpr int most_passes = 100;
constexpr double settled = 1.01;
constexpr double bias_share = 0.5;

// A layer as it was, and what its channels have been scaled by since.
struct ScaledLayer {
  WeightKernels kernels;          // of one magnitude each
  std::vector<float> magnitudes;  // the largest weight of each kernel
  std::vector<double> bias;       // magnitudes; empty: none
  std::vector<double> outputs;
  std::vector<double> inputs;
};

ScaledLayer scaled_layer(const Graph& graph, const Node& node) {
  const WeightedOperator layer = *equalizable_layer(graph, node);
  const std::vector<float>& weights = *graph.constant(layer.weights)->reals();
  const WeightKernels kernels(layer);
  ScaledLayer result{kernels.of_single_weights(), {}, {}, {}, {}};
  result.magnitudes.reserve(kernels.count());
  kernels.for_each([&](const WeightKernel& kernel) {
    float largest = 0.0F;
    for (const float weight : std::span(weights).subspan(kernel.first, kernel.size))
      largest = std::max(largest, std::abs(weight));
    result.magnitudes.push_back(largest);
  });
  for (const float value : bias_per_channel(graph, layer).value_or(std::vector<float>{}))
    result.bias.push_back(std::abs(double{value}));
  result.outputs.assign(static_cast<std::size_t>(layer.channels), 1.0);
  result.inputs.assign(kernels.inputs(), 1.0);
  return result;
}

// Of each output channel, with the share of the bias.
std::vector<double> output_ranges(const ScaledLayer& layer) {
  std::vector<double> ranges(layer.outputs.size(), 0.0);
  layer.kernels.for_each([&](const WeightKernel& kernel) {
    const double value = double{layer.magnitudes[kernel.first]} * layer.inputs[kernel.input];
    ranges[kernel.output] = std::max(ranges[kernel.output], value);
  });
  for (std::size_t c = 0; c < layer.bias.size(); ++c)
    ranges[c] = std::max(ranges[c], layer.bias[c] * bias_share);
  for (std::size_t c = 0; c < ranges.size(); ++c) ranges[c] *= layer.outputs[c];
  return ranges;
}

// Of each channel that `elements` inputs of the layer share.
std::vector<double> input_ranges(const ScaledLayer& layer, std::size_t elements) {
  std::vector<double> of_inputs(layer.inputs.size(), 0.0);
  layer.kernels.for_each([&](const WeightKernel& kernel) {
    const double value = double{layer.magnitudes[kernel.first]} * layer.outputs[kernel.output];
    of_inputs[kernel.input] = std::max(of_inputs[kernel.input], value);
  });
  std::vector<double> ranges(of_inputs.size() / elements, 0.0);
  for (std::size_t i = 0; i < of_inputs.size(); ++i)
    ranges[i / elements] = std::max(ranges[i / elements], of_inputs[i] * layer.inputs[i]);
  return ranges;
}

// One step for one pair: rescales both layers and returns the scales.
std::vector<double> equalize(const EqualizationPair& pair, ScaledLayer& first, ScaledLayer& second) {
  const auto elements = static_cast<std::size_t>(pair.elements_per_channel);
  const std::vector<double> range = output_ranges(first);
  const std::vector<double> next_range = input_ranges(second, elements);
  std::vector<double> scales(range.size(), 1.0);
  for (std::size_t c = 0; c < scales.size(); ++c) {
    if (range[c] > 0 && next_range[c] > 0) scales[c] = std::sqrt(range[c] / next_range[c]);
    first.outputs[c] /= scales[c];
  }
  for (std::size_t i = 0; i < second.inputs.size(); ++i) second.inputs[i] *= scales[i / elements];
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
  std::map<std::size_t, ScaledLayer> layers;
  std::vector<std::vector<double>> totals;
  for (const EqualizationPair& pair : pairs) {
    for (const std::size_t node : {pair.first, pair.second}) {
      if (!layers.contains(node)) layers.emplace(node, scaled_layer(graph, graph.nodes[node]));
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
