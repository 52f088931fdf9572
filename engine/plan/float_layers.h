// Layers that the keep_* switches leave in float.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "config/settings.h"
#include "engine/graph/graph.h"
#include "engine/plan/groups.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

struct FloatLayers {
  std::map<std::size_t, Source> layers;  // node index -> the switch that keeps it in float
  std::vector<PlanNote> notes;           // what was chosen
};

// keep_first_last_layer_accuracy: the first and the last Conv, ConvTranspose, Gemm or MatMul with constant
// weights, in graph order. keep_add_layer_accuracy: every Add that heads a group.
FloatLayers float_layers(const Graph& graph, const std::vector<Group>& groups,
                         const Configuration& configuration);

}  // namespace qcal
