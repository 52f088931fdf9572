#include "engine/transform/relu6_to_relu.h"

#include <algorithm>
#include <limits>

#include "engine/graph/graph_index.h"
#include "engine/transform/clamp.h"
#include "engine/transform/drop_dead_nodes.h"

namespace qcal {
namespace {

// min(max(x + 3, 0), 6) is six times the hard sigmoid of x, whose upper bound is what makes it one.
bool is_hard_sigmoid(const Graph& graph, const GraphIndex& index, const Clamp& clamp) {
  const auto producer = index.producer(clamp.input);
  if (!producer || !graph.nodes[*producer].is("Add")) return false;
  return std::ranges::any_of(graph.nodes[*producer].inputs, [&](const std::string& input) {
    const Constant* constant = graph.constant(input);
    const std::vector<float>* values = constant != nullptr ? constant->reals() : nullptr;
    return values != nullptr && !values->empty() &&
           std::ranges::all_of(*values, [](float value) { return value == 3.0F; });
  });
}

}  // namespace

std::vector<std::string> relu6_outputs(const Graph& graph) {
  const GraphIndex index(graph);
  std::vector<std::string> outputs;
  for (const Node& node : graph.nodes) {
    const auto clamp = clamp_of(graph, node);
    if (clamp && is_relu6(*clamp) && !is_hard_sigmoid(graph, index, *clamp))
      outputs.push_back(node.output(0));
  }
  return outputs;
}

Graph relu6_to_relu(Graph graph, const std::vector<std::string>& outputs) {
  for (Node& node : graph.nodes) {
    if (std::ranges::find(outputs, node.output(0)) == outputs.end()) continue;
    auto clamp = clamp_of(graph, node);
    if (!clamp || clamp->lower != std::vector{0.0F}) continue;
    clamp->upper = {std::numeric_limits<float>::infinity()};
    set_clamp(graph, node, *clamp, 0);  // without bounds no layout
  }
  return drop_dead_nodes(std::move(graph));
}

}  // namespace qcal
