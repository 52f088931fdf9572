// Parameters from a file, held against the network that they are to be used with.
#pragma once

#include <string>

#include "engine/export/quantization_parameters.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// Throws InputError, `file` first, unless `parameters` hold the tensors of the plan and no others, each with
// scales and zero points that a quantizer can use and, per channel, as many as the tensor has channels.
void check_parameters(const QuantizationParameters& parameters, const QuantizationPlan& plan,
                      const std::string& file);

}  // namespace qcal
