// Parameters for a plan that nobody calibrated.
#pragma once

#include <cstdint>

#include "engine/export/quantization_parameters.h"
#include "engine/plan/quantization_plan.h"

namespace qcal::testing {

// Every tensor in the integers [qmin, qmax], with zero point 0 and that scale.
inline QuantizationParameters symmetric_parameters(const QuantizationPlan& plan, double scale,
                                                   std::int64_t qmin, std::int64_t qmax) {
  QuantizationParameters parameters;
  for (const PlannedTensor& planned : plan.tensors) {
    TensorParameters& tensor = parameters.tensors.emplace_back();
    tensor.name = planned.name;
    tensor.role = planned.role;
    tensor.qmin = qmin;
    tensor.qmax = qmax;
    tensor.scale = {scale};
    tensor.zero_point = {0};
  }
  return parameters;
}

}  // namespace qcal::testing
