// What follows the search: the device's rules and bias correction, which depend on each other.
#pragma once

#include <functional>
#include <vector>

#include "config/settings.h"
#include "engine/correct/bias_corrector.h"
#include "engine/correct/dpu_rules.h"
#include "engine/graph/graph.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

struct Corrected {
  QuantizationParameters parameters;
  std::vector<PositionAdjustment> adjustments;
  std::vector<BiasCorrection> bias_corrections;  // empty without a corrector
  std::vector<PlanNote> notes;
};

// The parameters of a plan that holds nothing but parameters of the network.
using ParameterSearch = std::function<QuantizationParameters(const QuantizationPlan&)>;

// Rules apply where the target is the DPU. Weights that they moved decide the corrections; corrected biases
// get new scales by `search` (a 32-bit bias keeps the product of its factors', and with Compatibility::vitis
// every bias its own, as there); the rules then apply anew. Should a new bias move its layer's weights again,
// the corrections are those of the weights that are returned.
Corrected correct(const Graph& graph, const QuantizationPlan& plan, const Configuration& configuration,
                  const Alignment& align, const BiasCorrector* corrector, QuantizationParameters found,
                  const ParameterSearch& search);

// The same for corrections that were found elsewhere.
Corrected with_corrections(const Graph& graph, const QuantizationPlan& plan,
                           const Configuration& configuration, const Alignment& align,
                           std::vector<BiasCorrection> corrections, QuantizationParameters found,
                           const ParameterSearch& search);

}  // namespace qcal
