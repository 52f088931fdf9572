#include "engine/graph/graph_index.h"

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

}  // namespace qcal
