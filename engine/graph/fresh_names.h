// Names for new tensors and nodes that no other has.
#pragma once

#include <string>
#include <unordered_set>

#include "engine/graph/graph.h"

namespace qcal {

class FreshNames {
 public:
  // Taken are the names in `graph` and, since they could hide a new one, in its subgraphs.
  explicit FreshNames(const Graph& graph);

  // `wanted`, or `wanted` with a number appended; taken from then on. Tensors and nodes do not share names.
  std::string tensor(const std::string& wanted);
  std::string node(const std::string& wanted);

 private:
  void take(const Graph& graph);

  std::unordered_set<std::string> tensors_;
  std::unordered_set<std::string> nodes_;
};

// `wanted`, or `wanted` with a number appended so that no tensor of `graph`, its subgraphs aside, has that
// name. For a name now and then: looks through the graph instead of remembering it.
std::string unused_name(const Graph& graph, const std::string& wanted);

}  // namespace qcal
