// Sums and sums of squares of chunks of the ordered sum.
#pragma once

#include <array>
#include <span>

#include "kernels/moments_math.h"

namespace qcal {

using MomentSums = std::array<double, moment_terms>;

// sums[c] of each chunk c of `values` (ordered_sum_chunk of them, the last may have fewer), in the order of
// ordered_sum_math.h.
void chunk_moments(std::span<const float> values, MomentSums* sums);

}  // namespace qcal
