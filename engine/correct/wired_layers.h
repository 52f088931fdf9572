// Layers by the quantized tensors that they read and make.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// A quantized operator; every name is one of the plan's tensors with an integer datatype, "" where there is
// none.
struct WiredLayer {
  const Node* node = nullptr;
  std::vector<std::string> inputs;  // one for each input that carries data, seen through shape operators
  std::string weights;
  std::string bias;
  std::string output;             // of the group; where that feeds nothing but Concat, the Concat's
  bool output_of_concat = false;  // the latter
};

// In graph order. `graph` is the one that was planned, and must outlive the result.
std::vector<WiredLayer> wired_layers(const Graph& graph, const QuantizationPlan& plan);

}  // namespace qcal
