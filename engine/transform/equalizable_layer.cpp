#include "engine/transform/equalizable_layer.h"

namespace qcal {
namespace {

bool is_float32(const Graph& graph, const std::string& constant) {
  return graph.constant(constant)->type == ElementType::float32;
}

}  // namespace

std::optional<WeightedOperator> equalizable_layer(const Graph& graph, const Node& node) {
  if (node.is("MatMul")) return std::nullopt;  // its channels are the last axis
  auto layer = weighted_operator(graph, node);
  if (!layer || !is_float32(graph, layer->weights) || node.integer("transA", 0) != 0) return std::nullopt;
  return layer;
}

std::optional<std::vector<float>> bias_per_channel(const Graph& graph, const WeightedOperator& layer) {
  if (layer.bias.empty()) return std::vector<float>();
  const Constant& bias = *graph.constant(layer.bias);
  const auto channels = static_cast<std::size_t>(layer.channels);
  if (bias.reals()->size() != channels || bias.shape.back() != layer.channels) return std::nullopt;
  if (!is_float32(graph, layer.bias)) return std::nullopt;
  return *bias.reals();
}

}  // namespace qcal
