// A constant added to the result of a convolution or a matrix product is its bias.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// Folds Add of a constant that has one value, or one value a channel, into the Conv, ConvTranspose, Gemm or
// MatMul that feeds it and nothing else. A bias that is already there is added in double and rounded once.
// MatMul gets a third input (see weighted_operator.h). A vector that becomes the bias unchanged keeps its
// name; otherwise names are those of fold_batch_norm.h.
Graph fold_constant_adds(Graph graph);

}  // namespace qcal
