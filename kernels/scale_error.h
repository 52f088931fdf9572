// Squared error of fake-quantizing the data with several candidate quantizers, in one read.
#pragma once

#include <span>

#include "kernels/ordered_sum_math.h"
#include "kernels/scale_error_math.h"

namespace qcal {

// sums[c] of each chunk c of `values` (ordered_sum_chunk of them, the last may have fewer), which lie within
// the range that `spec` is made from: the sum of (x - fake_quantize(x))^2 in squared steps of each candidate,
// in the order of ordered_sum_math.h. Non-finite values count as 0.
void chunk_errors(std::span<const float> values, const ErrorSpec& spec, CandidateErrors* sums);

// The same of one candidate, whose sums have the same bits.
void chunk_errors(std::span<const float> values, const ErrorSpec& spec, std::size_t candidate,
                  std::array<double, 1>* sums);

// Of one chunk.
inline CandidateErrors chunk_errors(std::span<const float> chunk, const ErrorSpec& spec) {
  CandidateErrors sums = {};
  chunk_errors(chunk, spec, &sums);
  return sums;
}

}  // namespace qcal
