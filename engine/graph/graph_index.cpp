#include "engine/graph/graph_index.h"

#include <algorithm>

namespace qcal {

GraphIndex::GraphIndex(const Graph& graph) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    for (const std::string& output : node.outputs) {
      if (!output.empty()) producers_.emplace(output, i);
    }
    for (const std::string& input : node.inputs) {
      if (!input.empty()) consumers_[input].push_back(i);
    }
    for (const std::string& input : node.captured) consumers_[input].push_back(i);
  }
  outputs_.insert(graph.outputs.begin(), graph.outputs.end());
}

std::optional<std::size_t> GraphIndex::producer(const std::string& tensor) const {
  const auto found = producers_.find(tensor);
  return found == producers_.end() ? std::nullopt : std::optional(found->second);
}

const std::vector<std::size_t>& GraphIndex::consumers(const std::string& tensor) const {
  static const std::vector<std::size_t> none;
  const auto found = consumers_.find(tensor);
  return found == consumers_.end() ? none : found->second;
}

bool GraphIndex::is_output(const std::string& tensor) const {
  return outputs_.contains(tensor);
}

std::optional<std::size_t> GraphIndex::sole_consumer(const std::string& tensor) const {
  const auto& readers = consumers(tensor);
  if (readers.size() != 1 || is_output(tensor)) return std::nullopt;
  return readers.front();
}

std::string unused_name(const Graph& graph, const std::string& wanted) {
  const auto taken = [&](const std::string& name) {
    if (graph.constants.contains(name)) return true;
    if (std::ranges::find(graph.inputs, name) != graph.inputs.end()) return true;
    return std::ranges::any_of(graph.nodes, [&](const Node& node) {
      return std::ranges::find(node.outputs, name) != node.outputs.end();
    });
  };
  if (!taken(wanted)) return wanted;
  for (int suffix = 1;; ++suffix) {
    std::string name = wanted + "_" + std::to_string(suffix);
    if (!taken(name)) return name;
  }
}

}  // namespace qcal
