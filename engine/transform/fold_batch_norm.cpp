#include "engine/transform/fold_batch_norm.h"

#include <cmath>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/graph/graph_index.h"
#include "engine/graph/weight_kernels.h"
#include "engine/graph/weighted_operator.h"
#include "engine/transform/fold_readers.h"
#include "engine/transform/folded_parameters.h"

namespace qcal {
namespace {

struct Affine {
  std::vector<double> scale, shift;  // y = scale * x + shift, one a channel
};

// The map that `norm` applies to `channels` channels; absent where its parameters are not constant.
std::optional<Affine> affine(const Graph& graph, const Node& norm, std::int64_t channels) {
  std::vector<const std::vector<float>*> parameters;
  for (std::size_t i = 1; i <= 4; ++i) {
    const Constant* constant = graph.constant(norm.input(i));
    if (!constant || !constant->reals()) return std::nullopt;
    if (static_cast<std::int64_t>(constant->reals()->size()) != channels) return std::nullopt;
    parameters.push_back(constant->reals());
  }
  const auto& [gamma, beta, mean, variance] =
      std::tie(*parameters[0], *parameters[1], *parameters[2], *parameters[3]);
  const double epsilon = norm.real("epsilon", 1e-5F);
  Affine result;
  for (std::size_t c = 0; c < gamma.size(); ++c) {
    const double scale = gamma[c] / std::sqrt(double{variance[c]} + epsilon);
    result.scale.push_back(scale);
    result.shift.push_back(beta[c] - mean[c] * scale);
  }
  return result;
}

bool is_inference(const GraphIndex& index, const Node& norm) {
  if (norm.integer("training_mode", 0) != 0) return false;
  for (std::size_t i = 1; i < norm.outputs.size(); ++i) {
    const std::string& output = norm.outputs[i];
    if (!output.empty() && (!index.consumers(output).empty() || index.is_output(output))) return false;
  }
  return true;
}

// Gemm with alpha or beta would scale the folded parameters again; MatMul's channels are not on BatchNorm's
// axis.
bool can_absorb(const Node& node) {
  if (node.is("Gemm")) return node.real("alpha", 1.0F) == 1.0F && node.real("beta", 1.0F) == 1.0F;
  return node.is("Conv") || node.is("ConvTranspose");
}

std::optional<std::vector<float>> bias_values(const Graph& graph, const WeightedOperator& layer) {
  if (layer.bias.empty()) return std::vector<float>(static_cast<std::size_t>(layer.channels), 0.0F);
  const Constant& bias = *graph.constant(layer.bias);
  const auto size = static_cast<std::int64_t>(bias.reals()->size());
  if (size != layer.channels || bias.shape.empty() || bias.shape.back() != size) return std::nullopt;
  return *bias.reals();
}

bool fold_into(Graph& graph, const GraphIndex& index, Node& node, const Node& norm) {
  const auto layer = weighted_operator(graph, node);
  if (!layer || !can_absorb(node) || norm.input(0) != node.output(0) || !is_inference(index, norm))
    return false;
  const auto map = affine(graph, norm, layer->channels);
  auto bias = bias_values(graph, *layer);
  if (!map || !bias) return false;

  std::vector<float> weights = *graph.constant(layer->weights)->reals();
  WeightKernels(*layer).for_each([&](const WeightKernel& kernel) {
    for (std::size_t i = kernel.first; i < kernel.first + kernel.size; ++i)
      weights[i] = static_cast<float>(weights[i] * map->scale[kernel.output]);
  });
  for (std::size_t c = 0; c < bias->size(); ++c) {
    (*bias)[c] = static_cast<float>((*bias)[c] * map->scale[c] + map->shift[c]);
  }
  const std::string weights_name = folded_name(graph, index, layer->weights);
  graph.constants[weights_name] = make_constant(layer->weights_shape, std::move(weights));
  node.inputs[1] = weights_name;
  const std::string bias_name =
      layer->bias.empty() ? new_bias_name(graph, layer->weights) : folded_name(graph, index, layer->bias);
  graph.constants[bias_name] = make_constant({layer->channels}, std::move(*bias));
  set_bias(node, bias_name);
  node.outputs[0] = norm.output(0);
  return true;
}

}  // namespace

Graph fold_batch_norms(Graph graph) {
  return fold_readers(std::move(graph), "BatchNormalization", fold_into);
}

}  // namespace qcal
