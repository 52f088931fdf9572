// The range of values: minimum, maximum, how many, how many not finite.
#pragma once

#include <span>

#include "kernels/statistics_math.h"

namespace qcal {

// Range of `values` (host, any alignment of a float). -0 counts as 0, so that the bits do not depend on
// order. Cost: one pass.
ValueRange range_of(std::span<const float> values);

}  // namespace qcal
