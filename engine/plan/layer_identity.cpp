#include "engine/plan/layer_identity.h"

#include <algorithm>

#include "engine/graph/torch_types.h"

namespace qcal {

std::string layer_type(const Graph& graph, const Node& node) {
  std::string type = torch_type(graph, node);
  return type.empty() ? node.op_type : type;
}

LayerIdentity layer_identity(const Graph& graph, const Node& node) {
  LayerIdentity identity{node.name, node.module_path, {node.op_type}};
  for (const std::string& type : {torch_type(graph, node), node.original_op}) {
    if (!type.empty() && std::ranges::find(identity.types, type) == identity.types.end())
      identity.types.push_back(type);
  }
  return identity;
}

LayerIdentity selected_member(const Graph& graph, const std::vector<std::size_t>& members,
                              const Configuration& configuration, Role role) {
  for (const std::size_t member : members) {
    LayerIdentity identity = layer_identity(graph, graph.nodes[member]);
    const bool selected = std::ranges::any_of(configuration.layers, [&](const LayerEntry& entry) {
      return entry.overrides_role[role] && selects(entry, identity);
    });
    if (selected) return identity;
  }
  return layer_identity(graph, graph.nodes[members.front()]);
}

}  // namespace qcal
