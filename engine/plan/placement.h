// Which activations get quantized: what a placement policy decides.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/graph_index.h"
#include "engine/plan/groups.h"

namespace qcal {

// An activation that gets a quantizer, and whose settings it takes.
struct QuantizedActivation {
  std::string tensor;
  std::size_t layer = 0;  // node that owns it; in the plan it stands with this node's tensors
  std::vector<std::size_t>
      members;               // nodes under whose names and types its settings may be given, `layer` first
  bool feeds_layer = false;  // it is an input of `layer`, not its result
};

// What all policies start from.
struct PlacementInput {
  const Graph& graph;
  const GraphIndex& index;
  const std::vector<Group>& groups;
};

// The member of `quantized` that `tensor` is, or is a rearrangement of: shape operators keep a quantized
// tensor quantized, so the search goes up through them. Absent where it meets none.
std::optional<std::string> quantized_source(const Graph& graph, const GraphIndex& index,
                                            const std::set<std::string>& quantized, std::string tensor);

}  // namespace qcal
