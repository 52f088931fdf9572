// The operators that multiply by weights, seen alike: Conv, ConvTranspose, Gemm, MatMul.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/graph/graph.h"

namespace qcal {

// A node of one of these types whose weights are a constant of real numbers (and whose bias, if any, is one
// too).
//
// After normalisation MatMul may have a third input, its bias: ONNX has no such operator, so a writer must
// split it into MatMul and Add again. Its result is the same.
struct WeightedOperator {
  std::string weights;
  std::string bias;           // "" where there is none
  int channel_axis = 0;       // axis of the weights that counts output channels: Conv 0, ConvTranspose 1 (per
                              // group), Gemm 0 with transB and 1 without, MatMul the last
  std::int64_t channels = 0;  // output channels, over all groups
  std::int64_t group = 1;     // divides the first axis of the weights
  Shape weights_shape;
};

// Absent where `node` is no such node.
std::optional<WeightedOperator> weighted_operator(const Graph& graph, const Node& node);

}  // namespace qcal
