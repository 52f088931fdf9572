// ONNX operators and the torch modules and functions that they are exported from.
#pragma once

#include <string>

#include "engine/graph/graph.h"

namespace qcal {

// The torch name of `node`'s type without "torch.nn." ("Conv2d", "Linear", "ReLU6", "AdaptiveAvgPool2d"); ""
// where there is none. Looks at attributes, at the rank of weights and input, and at constant Clip bounds.
std::string torch_type(const Graph& graph, const Node& node);

}  // namespace qcal
