#include "engine/plan/placement.h"

#include "engine/plan/operator_roles.h"

namespace qcal {

std::optional<std::string> quantized_source(const Graph& graph, const GraphIndex& index,
                                            const std::set<std::string>& quantized, std::string tensor) {
  while (!quantized.contains(tensor)) {
    const auto producer = index.producer(tensor);
    if (!producer) return std::nullopt;
    const Node& node = graph.nodes[*producer];
    const OperatorEntry* entry = find_operator(node);
    if (!entry || entry->role != OperatorRole::shape) return std::nullopt;
    tensor = node.input(0);
  }
  return tensor;
}

}  // namespace qcal
