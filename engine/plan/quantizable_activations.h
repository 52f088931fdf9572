// Activations that can be quantized, whatever the placement.
#pragma once

#include <vector>

#include "engine/plan/placement.h"

namespace qcal {

// The end of every group. Then every other tensor that a quantized operator reads and that comes from neither
// a group nor a graph input (the result of an operator that stays in float, or of an activation that could
// not be fused); it takes the settings of the operator that reads it.
std::vector<QuantizedActivation> quantizable_activations(const Graph& graph, const GraphIndex& index,
                                                         const std::vector<Group>& groups);

}  // namespace qcal
