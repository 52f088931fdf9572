// Settings that waste accuracy and are quickly changed.
#pragma once

#include <string>
#include <vector>

#include "engine/analysis/tensor_use.h"
#include "engine/correct/bias_correction.h"
#include "engine/export/quantization_parameters.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// One line each, tensor or layer first, then what to change:
// a signed symmetric quantizer on data that were never negative; one scale for weights whose channels differ
// by more than 16 in range; a percentile that clips more than twice its share; a bias correction that was not
// kept.
std::vector<std::string> analysis_warnings(const QuantizationPlan& plan,
                                           const QuantizationParameters& parameters, TargetDevice target,
                                           const std::vector<TensorUse>& uses,
                                           const std::vector<BiasCorrection>& corrections);

}  // namespace qcal
