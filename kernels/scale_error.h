// Squared error of fake-quantizing the data with several candidate quantizers, in one read.
#pragma once

#include <array>
#include <span>

#include "kernels/candidate_scales_math.h"
#include "kernels/ordered_sum_math.h"

namespace qcal {

using CandidateErrors = std::array<double, diffs_candidates>;
using CandidateQuantizers = std::array<ElementQuantizer, diffs_candidates>;

// Differences are multiplied by `unit`, a power of two near 1/scale, before they are squared, so that neither
// tiny nor huge data leave float32. Errors carry unit^2: only their ratios matter.
//
// A division costs as much as the rest of a candidate, so `steps` says which shortcut gives the same
// quotients.
struct ErrorSpec {
  enum class Steps {
    each_divided,   // x / scale of each candidate
    first_divided,  // x / scale of the first, times 2^k: the scales are its halves
    multiplied,     // x * (1 / scale of the first), times 2^k: all of them powers of two besides
  };

  CandidateQuantizers quantizers;
  float unit = 1.0f;
  Steps steps = Steps::each_divided;
};

ErrorSpec error_spec(const CandidateSpec& spec, const ValueRange& range);

// Sum over one chunk (at most ordered_sum_chunk values) of ((x - fake_quantize(x)) * unit)^2 for each
// candidate, in the order of ordered_sum_math.h. Non-finite values count as 0.
CandidateErrors chunk_errors(std::span<const float> chunk, const ErrorSpec& spec);

}  // namespace qcal
