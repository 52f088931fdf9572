// The element types that operators fix.
#pragma once

#include <optional>

#include "engine/graph/graph.h"

namespace qcal {

// The type of the node's outputs, where the operator fixes it; else absent, and outputs are typed like input
// 0.
std::optional<ElementType> fixed_output_type(const Graph& graph, const Node& node);

}  // namespace qcal
