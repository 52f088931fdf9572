// What a user must be told about a plan.
#pragma once

#include <vector>

#include "config/settings.h"
#include "engine/graph/graph.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// Notes of the graph, operators that stay in float (one note a type), subgraphs, and switches that are not
// applied.
std::vector<PlanNote> plan_notes(const Graph& graph, const Configuration& configuration);

// include_cle, include_bias_corr and convert_relu6_to_relu: what became of each.
std::vector<TransformStatus> transform_status(const Graph& graph, const Configuration& configuration);

}  // namespace qcal
