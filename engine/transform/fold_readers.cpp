#include "engine/transform/fold_readers.h"

#include <set>
#include <utility>
#include <vector>

namespace qcal {

Graph fold_readers(Graph graph, std::string_view op, FoldInto fold) {
  const GraphIndex index(graph);
  std::set<std::size_t> folded;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].outputs.empty()) continue;
    const auto reader = index.sole_consumer(graph.nodes[i].output(0));
    if (!reader || !graph.nodes[*reader].is(op)) continue;
    if (fold(graph, index, graph.nodes[i], graph.nodes[*reader])) folded.insert(*reader);
  }
  std::vector<Node> kept;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!folded.contains(i)) kept.push_back(std::move(graph.nodes[i]));
  }
  graph.nodes = std::move(kept);
  return graph;
}

}  // namespace qcal
