// Sum and sum of squares of a chunk of the ordered sum.
#pragma once

#include <array>
#include <span>

#include "kernels/moments_math.h"

namespace qcal {

// Of at most ordered_sum_chunk values.
std::array<double, moment_terms> chunk_moments(std::span<const float> chunk);

}  // namespace qcal
