#include "engine/transform/merge_clamps.h"

#include <cstddef>
#include <set>
#include <utility>
#include <vector>

#include "engine/graph/graph_index.h"
#include "engine/transform/clamp.h"

namespace qcal {

Graph merge_clamps(Graph graph) {
  const GraphIndex index(graph);
  std::set<std::size_t> merged;
  // Readers come later, so the head of a chain is met first and its interval arrives at the last.
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto first = clamp_of(graph, graph.nodes[i]);
    if (!first) continue;
    const auto reader = index.sole_consumer(graph.nodes[i].output(0));
    if (!reader) continue;
    const auto second = clamp_of(graph, graph.nodes[*reader]);
    if (!second || second->input != graph.nodes[i].output(0)) continue;
    const auto both = chained(*first, *second);
    if (!both) continue;
    const std::size_t rank = graph.info(first->input).shape.value_or(Shape{}).size();
    set_clamp(graph, graph.nodes[*reader], *both, rank);
    merged.insert(i);
  }
  std::vector<Node> kept;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!merged.contains(i)) kept.push_back(std::move(graph.nodes[i]));
  }
  graph.nodes = std::move(kept);
  return graph;
}

}  // namespace qcal
