// ReLU6 without its upper bound, which many devices do not have.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal {

// Outputs of the ReLU6 of a normalised graph, in graph order: Clip 0..6 with attributes or constant inputs,
// and every chain of Relu, Clip, Min and Max that comes to the same. Not the Clip of a hard sigmoid or hard
// swish that a network spells out as Clip(x + 3, 0, 6).
std::vector<std::string> relu6_outputs(const Graph& graph);

// The ReLU6 with these outputs, also those to which equalization gave a bound a channel, become ReLU of the
// same name and output. Changes the network's values where they exceed the bound.
Graph relu6_to_relu(Graph graph, const std::vector<std::string>& outputs);

}  // namespace qcal
