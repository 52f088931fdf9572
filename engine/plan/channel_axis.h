// Which axis of an activation counts its channels.
#pragma once

#include <map>
#include <string>

#include "engine/graph/graph.h"

namespace qcal {

// Axis of each tensor that per_channel means: 1 after convolutions, pools and Gemm and for graph inputs
// (ONNX's NCHW), the last after MatMul and LayerNormalization. Element-wise operators keep the axis of their
// data, Transpose moves it, and an operator that changes the rank leaves it 1, or the last where it was the
// last. A vector's axis is 0; tensors without axes or of unknown rank behind a MatMul have none.
std::map<std::string, int> activation_channel_axes(const Graph& graph);

}  // namespace qcal
