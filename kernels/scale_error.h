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
struct ErrorSpec {
  CandidateQuantizers quantizers;
  float unit = 1.0f;
};

ErrorSpec error_spec(const CandidateSpec& spec, const ValueRange& range);

// Sum over one chunk (at most ordered_sum_chunk values) of ((x - fake_quantize(x)) * unit)^2 for each
// candidate, in the order of ordered_sum_math.h. Non-finite values count as 0.
CandidateErrors chunk_errors(std::span<const float> chunk, const ErrorSpec& spec);

}  // namespace qcal
