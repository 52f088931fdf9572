// Types and shapes of tensors, without running the network.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// Fills Graph::tensors. Dimensions that only the run time knows (the batch, mostly) are -1; where the file
// declares more than can be inferred, the declaration is kept. Sizes that are computed from shapes are
// followed (Shape, Gather, Concat, Reshape), and those that turn out to be known become constants.
//
// Operators that are not known here leave their outputs unknown; a type that is not known is taken from the
// first input.
Graph infer_shapes(Graph graph);

}  // namespace qcal
