// The operators as ONNX has them, before a graph is written.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// Replaces the forms that only our graphs have: Clip with a bound a channel becomes Relu or Max and Min, Clip
// with inputs gets attributes before opset 11, MatMul with a bias becomes MatMul and Add, and Gemm without a
// bias, which needs one before opset 11, becomes the MatMul that it was. normalise() turns them back.
Graph onnx_spelling(Graph graph);

}  // namespace qcal
