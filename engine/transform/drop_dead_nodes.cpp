#include "engine/transform/drop_dead_nodes.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace qcal {

Graph drop_dead_nodes(Graph graph) {
  std::unordered_set<std::string> needed(graph.outputs.begin(), graph.outputs.end());
  std::vector<Node> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const bool alive = std::ranges::any_of(
        node->outputs, [&](const std::string& output) { return !output.empty() && needed.contains(output); });
    if (!alive) continue;
    needed.insert(node->inputs.begin(), node->inputs.end());
    needed.insert(node->captured.begin(), node->captured.end());
    kept.push_back(std::move(*node));
  }
  std::ranges::reverse(kept);
  graph.nodes = std::move(kept);
  std::erase_if(graph.constants, [&](const auto& entry) { return !needed.contains(entry.first); });
  return graph;
}

}  // namespace qcal
