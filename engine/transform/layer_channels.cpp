#include "engine/transform/layer_channels.h"

namespace qcal {
namespace {

bool is_float32(const Graph& graph, const std::string& constant) {
  return graph.constant(constant)->type == ElementType::float32;
}

}  // namespace

std::int64_t LayerChannels::input_of(std::size_t weight) const {
  const Shape& shape = layer.weights_shape;
  std::size_t inner = 1;
  for (std::size_t i = 2; i < shape.size(); ++i) inner *= static_cast<std::size_t>(shape[i]);
  const std::size_t columns = static_cast<std::size_t>(shape[1]);
  const auto row = static_cast<std::int64_t>(weight / (inner * columns));
  if (rows_are_inputs) return row;
  const auto column = static_cast<std::int64_t>(weight / inner % columns);
  return row / (shape[0] / groups) * shape[1] + column;
}

std::optional<LayerChannels> layer_channels(const Graph& graph, const Node& node) {
  if (node.is("MatMul")) return std::nullopt;  // its channels are the last axis
  const auto layer = weighted_operator(graph, node);
  if (!layer || !is_float32(graph, layer->weights) || node.integer("transA", 0) != 0) return std::nullopt;
  LayerChannels result;
  result.layer = *layer;
  result.groups = node.is("Gemm") ? 1 : node.integer("group", 1);
  result.rows_are_inputs = layer->channel_axis == 1;
  const Shape& shape = layer->weights_shape;
  if (result.groups < 1 || shape[0] % result.groups != 0) return std::nullopt;
  result.inputs = result.rows_are_inputs ? shape[0] : shape[1] * result.groups;
  return result;
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
