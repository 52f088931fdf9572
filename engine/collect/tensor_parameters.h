// From a calibration's outcome to the public result.
#pragma once

#include "engine/collect/tensor_calibration.h"
#include "engine/export/quantization_parameters.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// What the plan says about a tensor, with no result yet: all there is to say of one that stays float.
TensorParameters planned_parameters(const PlannedTensor& tensor);

// `parameters` with the outcome filled in.
TensorParameters with_outcome(TensorParameters parameters, const TensorOutcome& outcome);

// `found`, which has the tensors of `plan` without same_as, in plan order, each of the others with a copy of
// the parameters that it shares.
QuantizationParameters with_shared_parameters(const QuantizationPlan& plan, QuantizationParameters found);

// Sets fix_pos where every scale is a power of two, clears it otherwise.
void set_fix_pos(TensorParameters& parameters);

}  // namespace qcal
