#include "engine/transform/fold_constant_add.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/graph_index.h"
#include "engine/graph/weighted_operator.h"
#include "engine/transform/fold_readers.h"
#include "engine/transform/folded_parameters.h"

namespace qcal {
namespace {

// Axis of the node's output that counts channels, from the back; absent where the output's rank is not known
// well enough to tell what a constant is added to.
struct OutputLayout {
  std::size_t channel_from_back = 0;
  std::size_t rank = 0;  // no constant of a higher rank can be folded
};

OutputLayout output_layout(const Graph& graph, const Node& node, const WeightedOperator& layer) {
  const std::size_t rank = layer.weights_shape.size();
  if (node.is("Conv") || node.is("ConvTranspose")) return {rank - 2, rank};
  if (node.is("Gemm")) return {0, 2};
  const auto shape = graph.info(node.output(0)).shape;
  return {0, shape ? shape->size() : 1};
}

// `constant` spread over the channels, where adding it is the same as adding one value a channel.
std::optional<std::vector<double>> per_channel(const Constant& constant, const OutputLayout& layout,
                                               std::int64_t channels) {
  const std::vector<float>& values = *constant.reals();
  const std::size_t rank = constant.shape.size();
  if (rank > layout.rank) return std::nullopt;
  for (std::size_t i = 0; i < rank; ++i) {
    const bool is_channel = rank - 1 - i == layout.channel_from_back;
    const std::int64_t extent = constant.shape[i];
    if (extent != 1 && !(is_channel && extent == channels)) return std::nullopt;
  }
  if (values.size() == 1) return std::vector<double>(static_cast<std::size_t>(channels), values.front());
  return std::vector<double>(values.begin(), values.end());
}

bool is_plain_vector(const Constant& constant, std::int64_t channels) {
  return constant.shape == Shape{channels} && constant.type == ElementType::float32;
}

bool fold_into(Graph& graph, const GraphIndex& index, Node& node, const Node& add) {
  const auto layer = weighted_operator(graph, node);
  if (!layer || node.real("beta", 1.0F) != 1.0F) return false;
  const std::string& added = add.input(0) == node.output(0) ? add.input(1) : add.input(0);
  const Constant* constant = graph.constant(added);
  if (!constant || !constant->reals()) return false;
  const OutputLayout layout = output_layout(graph, node, *layer);
  auto sum = per_channel(*constant, layout, layer->channels);
  if (!sum) return false;

  std::string name = added;
  if (!layer->bias.empty()) {
    // A convolution's bias is a vector along its channels whatever the layout of the output.
    const OutputLayout bias_layout = node.is("Gemm") ? layout : OutputLayout{0, 1};
    const auto bias = per_channel(*graph.constant(layer->bias), bias_layout, layer->channels);
    if (!bias) return false;
    std::ranges::transform(*sum, *bias, sum->begin(), std::plus<>());
    name = folded_name(graph, index, layer->bias);
  } else if (!is_plain_vector(*constant, layer->channels)) {
    name = new_bias_name(graph, layer->weights);
  }
  if (name != added || !layer->bias.empty()) {
    graph.constants[name] = make_constant({layer->channels}, std::vector<float>(sum->begin(), sum->end()));
  }
  set_bias(node, name);
  node.outputs[0] = add.output(0);
  return true;
}

}  // namespace

Graph fold_constant_adds(Graph graph) {
  return fold_readers(std::move(graph), "Add", fold_into);
}

}  // namespace qcal
