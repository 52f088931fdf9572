// Names and storage for parameters that a fold has changed.
#pragma once

#include <string>

#include "engine/graph/graph.h"
#include "engine/graph/graph_index.h"

namespace qcal {

// Name for the new value of parameter `name`: the same where nothing else reads it, else a new one.
std::string folded_name(const Graph& graph, const GraphIndex& index, const std::string& name);

// Name for a bias of a layer that had none: "conv1.weight" gives "conv1.bias", other names W give "W.bias".
std::string new_bias_name(const Graph& graph, const std::string& weights);

// Makes `name` input 2 of `node`.
void set_bias(Node& node, std::string name);

}  // namespace qcal
