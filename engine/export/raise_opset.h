// A graph in a later version of the standard operators.
#pragma once

#include <cstdint>

#include "engine/graph/graph.h"

namespace qcal {

// `graph` with at least that opset (13 or 21): what became an input since (the axes of Squeeze, Unsqueeze,
// ReduceSum and the other reductions, the lengths of Split, the bounds of Slice and Pad, the k of TopK), what
// changed its name (Upsample, Scatter) or its meaning (Softmax and its kin flattened all axes from `axis` on;
// Resize had other coordinates). Clip's bounds and Gemm's bias are as in every Graph. Throws InputError
// naming the node where a later version has no equal, and where a subgraph holds an operator that changed.
Graph raise_opset(Graph graph, std::int64_t opset);

}  // namespace qcal
