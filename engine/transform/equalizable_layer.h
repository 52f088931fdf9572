// The layers whose channels can be rescaled against each other.
#pragma once

#include <optional>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/weighted_operator.h"

namespace qcal {

// A Conv (depthwise and grouped too), ConvTranspose or Gemm with constant float32 weights whose channels are
// axis 1 of its data. Absent where `node` is no such layer.
std::optional<WeightedOperator> equalizable_layer(const Graph& graph, const Node& node);

// The bias, one value an output channel; empty where there is none, absent where it is no such vector.
std::optional<std::vector<float>> bias_per_channel(const Graph& graph, const WeightedOperator& layer);

}  // namespace qcal
