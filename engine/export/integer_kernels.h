// Which nodes of a quantized network onnxruntime computes on integers, and why it does not the others.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal {

struct NodeKernel {
  std::string node;
  std::string type;    // ONNX operator
  std::string kernel;  // onnxruntime's integer operator, "QLinearConv"; "" where it computes in float
  std::string reason;  // why in float
};

// Of a network as quantized_graph() makes it, in graph order: every node that computes, so no quantizer, no
// cast, nothing that only moves values, and no Relu or Clip that the quantizer behind it takes over. What
// onnxruntime 1.32 does on x86 with its default optimizations: an operator with a quantized form takes it
// where each input comes from a DequantizeLinear and the result goes to one QuantizeLinear, all of 8 bits.
std::vector<NodeKernel> integer_kernels(const Graph& quantized);

}  // namespace qcal
