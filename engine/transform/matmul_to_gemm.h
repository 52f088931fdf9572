// One spelling for a matrix product with constant weights.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// MatMul of a matrix (rank 2 known) with a constant matrix becomes Gemm (transB = 0), the form of a linear
// layer.
Graph matmuls_to_gemm(Graph graph);

}  // namespace qcal
