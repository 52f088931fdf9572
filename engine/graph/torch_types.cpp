#include "engine/graph/torch_types.h"

#include <map>
#include <optional>
#include <string_view>

namespace qcal {
namespace {

// Types that depend on nothing but the operator.
const std::map<std::string_view, std::string_view> plain_types{
    {"Gemm", "Linear"},
    {"MatMul", "Linear"},
    {"Relu", "ReLU"},
    {"LeakyRelu", "LeakyReLU"},
    {"PRelu", "PReLU"},
    {"Elu", "ELU"},
    {"Selu", "SELU"},
    {"Celu", "CELU"},
    {"Gelu", "GELU"},
    {"Mish", "Mish"},
    {"Sigmoid", "Sigmoid"},
    {"Tanh", "Tanh"},
    {"HardSigmoid", "Hardsigmoid"},
    {"HardSwish", "Hardswish"},
    {"Softmax", "Softmax"},
    {"LogSoftmax", "LogSoftmax"},
    {"Softplus", "Softplus"},
    {"Flatten", "Flatten"},
    {"Dropout", "Dropout"},
    {"Identity", "Identity"},
    {"DepthToSpace", "PixelShuffle"},
    {"SpaceToDepth", "PixelUnshuffle"},
    {"LayerNormalization", "LayerNorm"},
    {"GroupNormalization", "GroupNorm"},
    {"Resize", "Upsample"},
    {"Upsample", "Upsample"},
};

// Types that end in the number of spatial dimensions.
const std::map<std::string_view, std::string_view> spatial_types{
    {"Conv", "Conv"},
    {"ConvTranspose", "ConvTranspose"},
    {"MaxPool", "MaxPool"},
    {"AveragePool", "AvgPool"},
    {"GlobalAveragePool", "AdaptiveAvgPool"},
    {"GlobalMaxPool", "AdaptiveMaxPool"},
    {"BatchNormalization", "BatchNorm"},
    {"InstanceNormalization", "InstanceNorm"},
};

std::optional<std::size_t> spatial_rank(const Graph& graph, const Node& node) {
  if (node.is("Conv") || node.is("ConvTranspose")) {
    const auto weights = graph.info(node.input(1)).shape;
    if (weights && weights->size() > 2) return weights->size() - 2;
  }
  if (const auto kernel = node.integers("kernel_shape")) return kernel->size();
  const auto input = graph.info(node.input(0)).shape;
  if (!input || input->size() < 2) return std::nullopt;
  // torch's BatchNorm1d takes rank 2 and rank 3.
  if (input->size() == 2) return node.is("BatchNormalization") ? std::optional<std::size_t>(1) : std::nullopt;
  return input->size() - 2;
}

std::optional<float> clip_bound(const Graph& graph, const Node& node, std::size_t input,
                                std::string_view attribute) {
  if (graph.opset < 11 && node.inputs.size() == 1) {
    const auto found = node.attributes.find(attribute);
    if (found == node.attributes.end()) return std::nullopt;
    return node.real(attribute, 0);
  }
  const Constant* bound = graph.constant(node.input(input));
  if (!bound || !bound->reals() || bound->reals()->size() != 1) return std::nullopt;
  return bound->reals()->front();
}

std::string clip_type(const Graph& graph, const Node& node) {
  const auto low = clip_bound(graph, node, 1, "min");
  const auto high = clip_bound(graph, node, 2, "max");
  // Equalization gives a ReLU6 a bound a channel.
  const Constant* bounds = graph.constant(node.input(2));
  if (low == 0.0F && bounds && bounds->reals() && bounds->reals()->size() > 1) return "ReLU6";
  if (low == 0.0F && high == 6.0F) return "ReLU6";
  return low && high ? "Hardtanh" : "";
}

}  // namespace

std::string torch_type(const Graph& graph, const Node& node) {
  if (!node.domain.empty()) return {};
  if (node.op_type == "Clip") return clip_type(graph, node);
  if (const auto plain = plain_types.find(node.op_type); plain != plain_types.end())
    return std::string(plain->second);
  const auto spatial = spatial_types.find(node.op_type);
  if (spatial == spatial_types.end()) return {};
  const auto rank = spatial_rank(graph, node);
  // Images are what networks mostly see: an unknown rank counts as two.
  return std::string(spatial->second) + std::to_string(rank.value_or(2)) + "d";
}

}  // namespace qcal
