#include "engine/transform/relu6_to_relu.h"

#include <algorithm>
#include <limits>

#include "engine/transform/clamp.h"
#include "engine/transform/drop_dead_nodes.h"

namespace qcal {

std::vector<std::string> relu6_outputs(const Graph& graph) {
  std::vector<std::string> outputs;
  for (const Node& node : graph.nodes) {
    const auto clamp = clamp_of(graph, node);
    if (clamp && is_relu6(*clamp)) outputs.push_back(node.output(0));
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
