#include "engine/replay/replayed_layers.h"

#include <algorithm>
#include <optional>

#include "engine/correct/wired_layers.h"
#include "engine/dumps/in_quotes.h"
#include "engine/graph/graph_index.h"
#include "engine/plan/layer_identity.h"

namespace qcal {
namespace {

// What a layer reads under another name. Rows of a matrix product may also come in another shape.
bool passes_values_on(const Node& node, const Node& reader) {
  if (node.is("Identity") || node.is("Dropout") || node.is("Cast")) return true;
  const bool takes_rows = reader.is("Gemm") || reader.is("MatMul");
  return takes_rows &&
         (node.is("Flatten") || node.is("Reshape") || node.is("Squeeze") || node.is("Unsqueeze"));
}

std::optional<std::string> recorded_source(const Graph& graph, const GraphIndex& index, const Node& layer,
                                           const DumpSource& dumps) {
  std::string tensor = layer.input(0);
  while (!dumps.contains(tensor) || dumps.batches(tensor) == 0) {
    const auto producer = index.producer(tensor);
    if (!producer || !passes_values_on(graph.nodes[*producer], layer)) return std::nullopt;
    tensor = graph.nodes[*producer].input(0);
  }
  return tensor;
}

std::string refusal(const Graph& graph, const ReplayedLayer& layer) {
  if (layer.source.empty()) return "its input " + in_quotes(layer.node->input(0)) + " was not recorded";
  if (layer.input == nullptr && layer.weights == nullptr) return "it stays in float";
  if (layer.input != nullptr && layer.input->granularity == Granularity::per_channel &&
      layer.input->name != layer.source) {
    return "its input has a scale a channel, but was recorded in another shape";
  }
  if (layer.shape.bias.empty()) return "";
  const std::size_t values = graph.constant(layer.shape.bias)->reals()->size();
  return values == 1 || values == static_cast<std::size_t>(layer.shape.channels)
             ? ""
             : "its bias does not hold one value a channel";
}

// With scales.
const TensorParameters* found(const QuantizationParameters& parameters, const std::string& name) {
  const auto tensor = std::ranges::find(parameters.tensors, name, &TensorParameters::name);
  return tensor == parameters.tensors.end() || tensor->scale.empty() ? nullptr : &*tensor;
}

const PlannedTensor* planned(const QuantizationPlan& plan, const std::string& name) {
  const auto tensor = std::ranges::find(plan.tensors, name, &PlannedTensor::name);
  return tensor == plan.tensors.end() ? nullptr : &*tensor;
}

bool reads_quantized(const PlannedTensor& tensor, const Node& node) {
  return std::ranges::find(tensor.readers, node.name) != tensor.readers.end();
}

}  // namespace

std::vector<ReplayedLayer> replayed_layers(const Graph& graph, const QuantizationPlan& plan,
                                           const QuantizationParameters& parameters,
                                           const DumpSource& dumps) {
  const GraphIndex index(graph);
  std::vector<ReplayedLayer> layers;
  for (const WiredLayer& wired : wired_layers(graph, plan)) {
    const auto shape = weighted_operator(graph, *wired.node);
    if (!shape) continue;
    ReplayedLayer layer{.node = wired.node, .type = layer_type(graph, *wired.node), .shape = *shape};
    layer.source = recorded_source(graph, index, *wired.node, dumps).value_or("");
    const PlannedTensor* input = wired.inputs.empty() ? nullptr : planned(plan, wired.inputs.front());
    if (input != nullptr && reads_quantized(*input, *wired.node)) {
      layer.planned_input = input;
      layer.input = found(parameters, input->name);
    }
    if (const PlannedTensor* weights = planned(plan, wired.weights)) {
      layer.planned_weights = weights;
      layer.weights = found(parameters, weights->name);
    }
    layer.bias = found(parameters, wired.bias);
    layer.refused = refusal(graph, layer);
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace qcal
