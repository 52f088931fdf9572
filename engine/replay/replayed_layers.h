// Which layers can be run again on their recorded inputs, and what each of them needs for it.
#pragma once

#include <string>
#include <vector>

#include "engine/dumps/dump_source.h"
#include "engine/export/quantization_parameters.h"
#include "engine/graph/weighted_operator.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// A Conv, ConvTranspose, Gemm or MatMul with constant weights. Pointers are into graph, plan and parameters.
struct ReplayedLayer {
  const Node* node = nullptr;
  std::string type;  // "Conv2d"
  WeightedOperator shape;
  std::string source{};                          // the recorded tensor that it reads
  const TensorParameters* input = nullptr;       // of what it reads; null where it reads that in float
  const TensorParameters* weights = nullptr;     // null where they stay in float
  const TensorParameters* bias = nullptr;        // likewise
  const PlannedTensor* planned_input = nullptr;  // null where `input` is
  const PlannedTensor* planned_weights = nullptr;
  std::string refused{};  // why it cannot be run; "" where it can
};

// In graph order. A layer that reads a tensor through operators that only rename or reshape it can be run on
// that tensor's recording. `parameters` hold every tensor of the plan.
std::vector<ReplayedLayer> replayed_layers(const Graph& graph, const QuantizationPlan& plan,
                                           const QuantizationParameters& parameters, const DumpSource& dumps);

}  // namespace qcal
