// A plan as text for people.
#pragma once

#include <string>

#include "engine/plan/quantization_plan.h"

namespace qcal {

// One paragraph a tensor: name, role, layer, shape and channel axis, then a table of its settings and where
// each value came from. Transforms and notes come last.
std::string plan_text(const QuantizationPlan& plan);

}  // namespace qcal
