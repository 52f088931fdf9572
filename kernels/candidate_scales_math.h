// The scales that the diffs method tries on the data itself, from the range of the batch.
//
// Host and device compute them alike, so that on the device the second pass reads the first pass' range
// directly.
#pragma once

#include <cmath>

#include "kernels/host_device.h"
#include "kernels/log_math.h"
#include "kernels/quantize_math.h"
#include "kernels/scale_math.h"
#include "kernels/statistics_math.h"

namespace qcal {

inline constexpr int diffs_candidates = 5;

enum class CandidateRule {
  none,
  halving,        // the covering scale times 2^-k, k = 0..4 (float scales)
  power_of_two,   // the smallest covering power of two times 2^-k
  vitis_fix_pos,  // fix positions top..top+4 of the float32 rule of vai_q_pytorch
};

// What turns a range into candidates.
struct CandidateSpec {
  CandidateRule rule = CandidateRule::none;
  int bit_width = 8;
  IntegerRange range;
  bool symmetric = true;
  Rounding rounding = Rounding::half_even;
};

// A scale and zero point, host precision.
struct Candidate {
  double scale = 0.0;
  std::int64_t zero_point = 0;
};

// Candidate k of the batch whose finite values span [range.min, range.max].
QCAL_HOST_DEVICE inline Candidate candidate_scale(const CandidateSpec& spec, const ValueRange& range, int k) {
  if (spec.rule == CandidateRule::vitis_fix_pos) {
    const int top = vitis_top_fix_pos(range.min, range.max, spec.bit_width);
    return {exact_power_of_two(-(top + k)), 0};
  }
  const double shrink = exact_power_of_two(-k);
  const double low = (range.empty() ? 0.0 : static_cast<double>(range.min)) * shrink;
  const double high = (range.empty() ? 0.0 : static_cast<double>(range.max)) * shrink;
  double scale = 0.0;
  if (spec.symmetric) {
    scale = symmetric_scale(high > -low ? high : -low, spec.range);
  } else {
    scale = asymmetric_scale(low, high, spec.range);
  }
  if (spec.rule == CandidateRule::power_of_two) scale = covering_power_of_two(scale);
  return {scale, spec.symmetric ? 0 : asymmetric_zero_point(low, scale, spec.range)};
}

}  // namespace qcal
