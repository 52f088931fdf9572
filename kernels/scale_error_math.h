// The squared error of one element under several candidate quantizers. Bit-normative.
#pragma once

#include <array>

#include "kernels/candidate_scales_math.h"
#include "kernels/host_device.h"

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

// Quotients below 2^-126 lose bits when they are doubled instead of divided anew; both round to 0 steps.
QCAL_HOST_DEVICE inline ErrorSpec::Steps shortcut_of(const CandidateQuantizers& quantizers) {
  const float first = quantizers[0].step_factor;
  float factor = first;
  for (int k = 0; k < diffs_candidates; ++k) {
    if (quantizers[static_cast<std::size_t>(k)].step_factor != factor) return ErrorSpec::Steps::each_divided;
    factor *= 0.5f;
  }
  const int exponent = binary_exponent(first);
  const bool power_of_two = exact_power_of_two(exponent) == static_cast<double>(first);
  return power_of_two && exponent <= 126 ? ErrorSpec::Steps::multiplied : ErrorSpec::Steps::first_divided;
}

// The candidates of a batch (or of its channel) whose finite values span [range.min, range.max].
QCAL_HOST_DEVICE inline ErrorSpec error_spec(const CandidateSpec& spec, const ValueRange& range) {
  ErrorSpec errors;
  for (int k = 0; k < diffs_candidates; ++k) {
    const Candidate candidate = candidate_scale(spec, range, k);
    errors.quantizers[static_cast<std::size_t>(k)] =
        element_quantizer(candidate.scale, candidate.zero_point, spec.range, spec.rounding);
    if (k > 0) continue;
    const int exponent = binary_exponent(candidate.scale);
    const int held = exponent < -126 ? -126 : (exponent > 126 ? 126 : exponent);  // by a float32 unit
    errors.unit = static_cast<float>(exact_power_of_two(-held));
  }
  errors.steps = shortcut_of(errors.quantizers);
  return errors;
}

// What the candidates share of x / scale: `first` is base_factor().
template <ErrorSpec::Steps how>
QCAL_HOST_DEVICE inline float base_steps(float x, float first) {
  if constexpr (how == ErrorSpec::Steps::each_divided) return x;
  return how == ErrorSpec::Steps::multiplied ? x * first : x / first;
}

template <ErrorSpec::Steps how>
QCAL_HOST_DEVICE inline float base_factor(const ErrorSpec& spec) {
  const float first = spec.quantizers[0].step_factor;
  return how == ErrorSpec::Steps::multiplied ? 1.0f / first : first;
}

// What makes candidate k's own steps of base_steps().
template <ErrorSpec::Steps how>
QCAL_HOST_DEVICE inline float own_factor(const ErrorSpec& spec, int k) {
  const float own = spec.quantizers[static_cast<std::size_t>(k)].step_factor;
  return how == ErrorSpec::Steps::each_divided ? own : spec.quantizers[0].step_factor / own;
}

// ((x - fake_quantize(x)) * unit)^2 of a finite x; `base` is base_steps(x), `factor` own_factor(). The
// quantizer's integers must lie within 2^22.
template <Rounding mode, ErrorSpec::Steps how>
QCAL_HOST_DEVICE inline float squared_error(float x, float base, float factor,
                                            const ElementQuantizer& quantizer, float unit) {
  float steps = how == ErrorSpec::Steps::each_divided ? base / factor : base * factor;
  steps = steps < quantizer.lowest ? quantizer.lowest : steps;
  steps = steps > quantizer.highest ? quantizer.highest : steps;
  const float difference = (x - round_small<mode>(steps) * quantizer.scale) * unit;
  return difference * difference;
}

}  // namespace qcal
