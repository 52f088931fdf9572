// Who produces and who reads each tensor of a graph.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal {

// A snapshot: build a new one after the graph changed.
class GraphIndex {
 public:
  explicit GraphIndex(const Graph& graph);

  // Index of the node that produces `tensor`; absent for graph inputs and constants.
  std::optional<std::size_t> producer(const std::string& tensor) const;
  // Nodes that read `tensor`, also from inside their subgraphs, in graph order; a node that reads it twice
  // counts twice.
  const std::vector<std::size_t>& consumers(const std::string& tensor) const;
  bool is_output(const std::string& tensor) const;
  // The one node that reads `tensor`, where there is exactly one reading and the tensor is no graph output.
  std::optional<std::size_t> sole_consumer(const std::string& tensor) const;

 private:
  std::unordered_map<std::string, std::size_t> producers_;
  std::unordered_map<std::string, std::vector<std::size_t>> consumers_;
  std::unordered_set<std::string> outputs_;
};

}  // namespace qcal
