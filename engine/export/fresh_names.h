// Names for new nodes and tensors that no other has.
#pragma once

#include <string>
#include <unordered_set>

#include "engine/graph/graph.h"

namespace qcal {

class FreshNames {
 public:
  // Every name in `graph` is taken: tensors, nodes, and what its subgraphs hold.
  explicit FreshNames(const Graph& graph);

  // `wanted`, or `wanted` with a number appended; taken from then on.
  std::string fresh(const std::string& wanted);

 private:
  void take(const Graph& graph);

  std::unordered_set<std::string> taken_;
};

}  // namespace qcal
