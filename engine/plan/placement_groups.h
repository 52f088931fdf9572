// The placement `groups`: every group's result is quantized (the system of vai_q_pytorch, and the DPU's).
#pragma once

#include <vector>

#include "engine/plan/placement.h"

namespace qcal {

// A quantizer on the end of every group, except where that end feeds nothing but Concat: there the result of
// the Concat has the only one, since all that meet in it must have its scale. Then a quantizer on every other
// tensor that a quantized operator reads and that nothing has quantized (the result of an operator that stays
// in float, or of an activation that could not be fused); it takes the settings of the operator that reads
// it.
std::vector<QuantizedActivation> place_by_groups(const PlacementInput& input);

}  // namespace qcal
