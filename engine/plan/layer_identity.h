// The names under which a configuration may select a node.
#pragma once

#include <string>
#include <vector>

#include "config/resolve.h"
#include "engine/graph/graph.h"

namespace qcal {

// Name, module path, and every name of the type: ONNX's, torch's, and the file's where normalisation changed
// it.
LayerIdentity layer_identity(const Graph& graph, const Node& node);

// Torch name of the node's type where there is one, else the ONNX operator.
std::string layer_type(const Graph& graph, const Node& node);

// The member of a group (nodes of `graph`, by index) that a layer entry selects for `role`: the first that
// one does, or the first of all. So an entry for ReLU decides about the result of a convolution and the ReLU
// fused into it.
LayerIdentity selected_member(const Graph& graph, const std::vector<std::size_t>& members,
                              const Configuration& configuration, Role role);

}  // namespace qcal
