#include "engine/export/quantized_model.h"

#include <algorithm>
#include <utility>

#include "engine/export/qdq_graph.h"
#include "engine/graph/fresh_names.h"
#include "engine/transform/onnx_spelling.h"

namespace qcal {
namespace {

Graph with_corrected_biases(Graph graph, const std::vector<BiasCorrection>& corrections) {
  FreshNames names(graph);
  for (const BiasCorrection& correction : corrections) {
    if (!correction.kept) continue;
    const Shape channels{static_cast<std::int64_t>(correction.corrected.size())};
    if (!correction.bias.empty()) {
      const Shape& shape = graph.constant(correction.bias)->shape;
      graph.constants[correction.bias] = make_constant(shape, correction.corrected);
      continue;
    }
    const auto node = std::ranges::find(graph.nodes, correction.layer, &Node::name);
    node->inputs.resize(3);
    node->inputs[2] = names.tensor(correction.layer + "_bias");
    graph.constants[node->inputs[2]] = make_constant(channels, correction.corrected);
  }
  return graph;
}

}  // namespace

OnnxFiles quantized_model(const QuantizedNetwork& network, const std::string& data_file) {
  const Graph corrected = with_corrected_biases(network.graph, network.bias_corrections);
  Graph quantized = quantized_graph(corrected, network.plan, network.parameters, network.compatibility);
  return write_onnx(network.file, network.as_read, onnx_spelling(std::move(quantized)), DataFile{data_file});
}

}  // namespace qcal
