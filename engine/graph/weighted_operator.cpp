#include "engine/graph/weighted_operator.h"

namespace qcal {
namespace {

int channel_axis(const Node& node, std::size_t rank) {
  if (node.is("Conv")) return 0;
  if (node.is("ConvTranspose")) return 1;
  if (node.is("Gemm")) return node.integer("transB", 0) != 0 ? 0 : 1;
  return static_cast<int>(rank) - 1;
}

bool is_weighted(const Node& node, std::size_t rank) {
  if (node.is("Conv") || node.is("ConvTranspose")) return rank >= 3;
  if (node.is("Gemm")) return rank == 2;
  return node.is("MatMul") && rank >= 2;
}

}  // namespace

std::optional<WeightedOperator> weighted_operator(const Graph& graph, const Node& node) {
  const Constant* weights = graph.constant(node.input(1));
  if (!weights || !weights->reals() || weights->reals()->empty() ||
      !is_weighted(node, weights->shape.size())) {
    return std::nullopt;
  }
  WeightedOperator result;
  result.weights = node.input(1);
  result.bias = node.input(2);
  if (!result.bias.empty()) {
    const Constant* bias = graph.constant(result.bias);
    if (!bias || !bias->reals()) return std::nullopt;
  }
  result.weights_shape = weights->shape;
  result.channel_axis = channel_axis(node, weights->shape.size());
  result.channels = weights->shape[static_cast<std::size_t>(result.channel_axis)];
  if (node.is("Conv") || node.is("ConvTranspose")) {
    result.group = node.integer("group", 1);
    if (result.group < 1 || weights->shape[0] % result.group != 0) return std::nullopt;
  }
  if (node.is("ConvTranspose")) result.channels *= result.group;
  return result;
}

}  // namespace qcal
