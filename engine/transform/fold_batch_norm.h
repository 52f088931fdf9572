// BatchNormalization at inference is an affine map per channel: the operator before it can absorb it.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// Folds each BatchNormalization into the Conv, ConvTranspose or Gemm that feeds it and nothing else:
//
//   s = scale / sqrt(variance + epsilon),  W' = W * s,  b' = (b - mean) * s + B      (per output channel)
//
// computed in double, rounded once to float32. The node then makes the BatchNormalization's output. Weights
// and bias keep their names; a parameter that other nodes read too stays as it is for them and the folded one
// gets a new name. A bias where there was none is named after the weights: "conv1.weight" gives "conv1.bias",
// other names W "W.bias".
Graph fold_batch_norms(Graph graph);

}  // namespace qcal
