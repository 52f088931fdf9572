// A plan as text for people.
#pragma once

#include <string>
#include <string_view>

#include "engine/plan/quantization_plan.h"

namespace qcal {

// One paragraph a tensor: name, role, layer, shape and channel axis, then a table of its settings and where
// each value came from. With `layer` only the tensors of that layer. Notes and transforms come last, unless a
// layer is given.
std::string plan_text(const QuantizationPlan& plan, std::string_view layer = {});

}  // namespace qcal
