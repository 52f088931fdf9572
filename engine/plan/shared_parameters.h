// Parameters that several layers read: once in the plan where their settings agree, else once for each.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// Adds parameter `tensor` of its layer to the plan and returns the name under which the layer finds it there.
// A tensor of the same name, role, settings, channel axis (where per_channel is set) and bias factors (where
// the bias has more than 16 bits, so that its scale follows from them) is shared; otherwise `tensor` gets a
// name of its own.
std::string add_parameter(const Graph& graph, QuantizationPlan& plan, PlannedTensor tensor);

}  // namespace qcal
