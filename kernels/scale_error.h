// Squared error of fake-quantizing the data with several candidate quantizers, in one read.
#pragma once

#include <span>

#include "kernels/ordered_sum_math.h"
#include "kernels/scale_error_math.h"

namespace qcal {

// Sum over one chunk (at most ordered_sum_chunk values, within the range that `spec` is made from) of
// (x - fake_quantize(x))^2 in squared steps of each candidate, in the order of ordered_sum_math.h. Non-finite
// values count as 0.
CandidateErrors chunk_errors(std::span<const float> chunk, const ErrorSpec& spec);

}  // namespace qcal
