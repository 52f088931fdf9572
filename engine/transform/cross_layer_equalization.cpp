#include "engine/transform/cross_layer_equalization.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "engine/graph/graph_index.h"
#include "engine/graph/weight_kernels.h"
#include "engine/transform/clamp.h"
#include "engine/transform/drop_dead_nodes.h"
#include "engine/transform/equalizable_layer.h"
#include "engine/transform/equalization_pairs.h"
#include "engine/transform/equalization_scales.h"
#include "engine/transform/folded_parameters.h"

namespace qcal {
namespace {

using Scales = std::vector<float>;

PairRules pair_rules(EqualizationRule rule) {
  switch (rule) {
    case EqualizationRule::exact:
      return PairRules::exact;
    case EqualizationRule::without_bounds:
      return PairRules::without_bounds;
    case EqualizationRule::vitis:
      break;
  }
  return PairRules::vitis;
}

const std::vector<float>& weights_of(const Graph& graph, const WeightedOperator& layer) {
  return *graph.constant(layer.weights)->reals();
}

float largest(std::span<const float> weights, const WeightKernel& kernel) {
  float range = 0.0F;
  for (const float weight : weights.subspan(kernel.first, kernel.size))
    range = std::max(range, std::abs(weight));
  return range;
}

// Of all weights that lead to each output channel.
std::vector<float> output_ranges(const Graph& graph, const EqualizationPair& pair) {
  const WeightedOperator layer = *equalizable_layer(graph, graph.nodes[pair.first]);
  const std::vector<float>& weights = weights_of(graph, layer);
  std::vector<float> ranges(static_cast<std::size_t>(pair.channels), 0.0F);
  WeightKernels(layer).for_each([&](const WeightKernel& kernel) {
    ranges[kernel.output] = std::max(ranges[kernel.output], largest(weights, kernel));
  });
  return ranges;
}

// Of all weights that each channel of the first layer meets in the second.
std::vector<float> input_ranges(const Graph& graph, const EqualizationPair& pair) {
  const WeightedOperator layer = *equalizable_layer(graph, graph.nodes[pair.second]);
  const std::vector<float>& weights = weights_of(graph, layer);
  const WeightKernels kernels(layer);
  std::vector<float> of_inputs(kernels.inputs(), 0.0F);
  kernels.for_each([&](const WeightKernel& kernel) {
    of_inputs[kernel.input] = std::max(of_inputs[kernel.input], largest(weights, kernel));
  });
  const auto elements = static_cast<std::size_t>(pair.elements_per_channel);
  std::vector<float> ranges(static_cast<std::size_t>(pair.channels), 0.0F);
  for (std::size_t i = 0; i < of_inputs.size(); ++i)
    ranges[i / elements] = std::max(ranges[i / elements], of_inputs[i]);
  return ranges;
}

Scales repeated(const Scales& scales, std::int64_t times) {
  Scales result;
  for (const float scale : scales) result.insert(result.end(), static_cast<std::size_t>(times), scale);
  return result;
}

ChannelSpread spread(const std::vector<float>& ranges) {
  ChannelSpread result;
  for (const float range : ranges) {
    if (range > 0) result.smallest = result.smallest == 0 ? range : std::min(result.smallest, range);
    result.largest = std::max(result.largest, range);
  }
  return result;
}

// Input `index` of `node` becomes a constant with these values.
void replace_parameter(Graph& graph, const GraphIndex& index, Node& node, std::size_t input,
                       std::vector<float> values) {
  const Shape shape = graph.constant(node.input(input))->shape;
  std::string name = folded_name(graph, index, node.input(input));
  graph.constants[name] = make_constant(shape, std::move(values));
  node.inputs[input] = std::move(name);
}

void divide_outputs(Graph& graph, const GraphIndex& index, Node& node, const Scales& scales) {
  const WeightedOperator layer = *equalizable_layer(graph, node);
  std::vector<float> weights = weights_of(graph, layer);
  WeightKernels(layer).for_each([&](const WeightKernel& kernel) {
    for (float& weight : std::span(weights).subspan(kernel.first, kernel.size))
      weight /= scales[kernel.output];
  });
  std::vector<float> bias = *bias_per_channel(graph, layer);
  for (std::size_t c = 0; c < bias.size(); ++c) bias[c] /= scales[c];
  replace_parameter(graph, index, node, 1, std::move(weights));
  if (!bias.empty()) replace_parameter(graph, index, node, 2, std::move(bias));
}

void multiply_inputs(Graph& graph, const GraphIndex& index, Node& node, const EqualizationPair& pair,
                     const Scales& scales) {
  const WeightedOperator layer = *equalizable_layer(graph, node);
  std::vector<float> weights = weights_of(graph, layer);
  const Scales of_inputs = repeated(scales, pair.elements_per_channel);
  WeightKernels(layer).for_each([&](const WeightKernel& kernel) {
    for (float& weight : std::span(weights).subspan(kernel.first, kernel.size))
      weight *= of_inputs[kernel.input];
  });
  replace_parameter(graph, index, node, 1, std::move(weights));
}

std::vector<float> divided(const std::vector<float>& bounds, const Scales& scales) {
  std::vector<float> result(scales.size());
  for (std::size_t c = 0; c < scales.size(); ++c) result[c] = bounds[bounds.size() == 1 ? 0 : c] / scales[c];
  const bool alike = std::ranges::all_of(result, [&](float value) { return value == result.front(); });
  if (alike) result.resize(1);
  return result;
}

void rescale(Graph& graph, const GraphIndex& index, const EqualizationPair& pair, const Scales& scales) {
  divide_outputs(graph, index, graph.nodes[pair.first], scales);
  multiply_inputs(graph, index, graph.nodes[pair.second], pair, scales);
  for (const std::size_t node : pair.clamps) {
    Clamp clamp = *clamp_of(graph, graph.nodes[node]);
    clamp.lower = divided(clamp.lower, scales);
    clamp.upper = divided(clamp.upper, scales);
    // A layer keeps the rank of its data, and the weights have it too.
    const std::size_t rank = graph.constant(graph.nodes[pair.first].input(1))->shape.size();
    set_clamp(graph, graph.nodes[node], clamp, rank);
  }
}

Scales vitis_scales_of(const Graph& graph, const EqualizationPair& pair) {
  const WeightedOperator layer = *equalizable_layer(graph, graph.nodes[pair.first]);
  const std::vector<float> bias = *bias_per_channel(graph, layer);
  const std::vector<float> next = input_ranges(graph, pair);
  return vitis_scales({weights_of(graph, layer), bias, next});
}

}  // namespace

Equalization equalize_layers(Graph graph, EqualizationRule rule) {
  const std::vector<EqualizationPair> pairs = equalization_pairs(graph, pair_rules(rule));
  const GraphIndex index(graph);
  std::vector<Scales> settled;
  if (rule != EqualizationRule::vitis) settled = settled_scales(graph, pairs);
  Equalization result;
  // A layer is in two pairs of a chain: the spreads are taken before the first change and after the last.
  for (const EqualizationPair& pair : pairs) {
    result.pairs.push_back({graph.nodes[pair.first].name,
                            graph.nodes[pair.second].name,
                            pair.channels,
                            spread(output_ranges(graph, pair)),
                            {},
                            spread(input_ranges(graph, pair)),
                            {}});
  }
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    const Scales scales = rule == EqualizationRule::vitis ? vitis_scales_of(graph, pairs[p]) : settled[p];
    rescale(graph, index, pairs[p], scales);
    for (std::size_t t = 0; t < pairs[p].tensors.size(); ++t)
      result.divisors[pairs[p].tensors[t]] = repeated(scales, pairs[p].tensor_elements[t]);
  }
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    result.pairs[p].after = spread(output_ranges(graph, pairs[p]));
    result.pairs[p].next_after = spread(input_ranges(graph, pairs[p]));
  }
  result.graph = drop_dead_nodes(std::move(graph));
  return result;
}

}  // namespace qcal
