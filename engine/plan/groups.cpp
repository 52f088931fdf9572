#include "engine/plan/groups.h"

#include <optional>

#include "engine/plan/operator_roles.h"

namespace qcal {
namespace {

// The one node that reads the elements of `tensor`; nodes that only ask for its shape do not count.
std::optional<std::size_t> sole_data_reader(const Graph& graph, const GraphIndex& index,
                                            const std::string& tensor) {
  if (index.is_output(tensor)) return std::nullopt;
  std::optional<std::size_t> reader;
  for (const std::size_t consumer : index.consumers(tensor)) {
    const Node& node = graph.nodes[consumer];
    if (node.is("Shape") || node.is("Size")) continue;
    if (reader) return std::nullopt;
    reader = consumer;
  }
  return reader;
}

std::optional<std::size_t> fused_reader(const Graph& graph, const GraphIndex& index,
                                        const std::string& tensor) {
  const auto reader = sole_data_reader(graph, index, tensor);
  if (!reader) return std::nullopt;
  const Node& node = graph.nodes[*reader];
  const OperatorEntry* entry = find_operator(node);
  if (!entry || entry->role == OperatorRole::quantized || node.outputs.size() != 1) return std::nullopt;
  // The group's data must be what the operator works on, and its result must still be data.
  if (node.input(0) != tensor || !carries_reals(graph, node.output(0))) return std::nullopt;
  return reader;
}

}  // namespace

std::vector<Group> form_groups(const Graph& graph, const GraphIndex& index) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const OperatorEntry* entry = find_operator(node);
    if (!entry || entry->role != OperatorRole::quantized || node.output(0).empty()) continue;
    if (!carries_reals(graph, node.output(0))) continue;
    Group group{i, {i}, node.output(0)};
    while (const auto reader = fused_reader(graph, index, group.output)) {
      group.members.push_back(*reader);
      group.output = graph.nodes[*reader].output(0);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace qcal
