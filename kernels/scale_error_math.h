// The squared error of one element under several candidate quantizers. Bit-normative.
#pragma once

#include <array>
#include <limits>

#include "kernels/candidate_scales_math.h"
#include "kernels/exact_division_math.h"
#include "kernels/host_device.h"

namespace qcal {

using CandidateErrors = std::array<double, diffs_candidates>;
using CandidateQuantizers = std::array<ElementQuantizer, diffs_candidates>;

// Errors are taken in steps of each candidate, so that neither tiny nor huge data leave float32, and weighted
// in the end: see weighted_errors().
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
  CandidateErrors weights = {};  // of a squared step of each
  Steps steps = Steps::each_divided;
};

// Quotients below 2^-126 lose bits when they are doubled instead of divided anew; both round to 0 steps.
QCAL_HOST_DEVICE inline ErrorSpec::Steps shortcut_of(const CandidateQuantizers& quantizers) {
  const float first = quantizers[0].step_factor;
  float factor = first;
  for (int k = 0; k < diffs_candidates; ++k) {
    const ElementQuantizer& quantizer = quantizers[static_cast<std::size_t>(k)];
    const bool same_bounds =
        quantizer.lowest == quantizers[0].lowest && quantizer.highest == quantizers[0].highest;
    if (quantizer.step_factor != factor || !same_bounds) return ErrorSpec::Steps::each_divided;
    factor *= 0.5f;
  }
  const int exponent = binary_exponent(first);
  const bool power_of_two = exact_power_of_two(exponent) == static_cast<double>(first);
  if (power_of_two && exponent <= 126) return ErrorSpec::Steps::multiplied;
  return has_exact_quotients(first) ? ErrorSpec::Steps::first_divided : ErrorSpec::Steps::each_divided;
}

// Whether fake_quantize() stays within float32 at both ends of the range.
QCAL_HOST_DEVICE inline bool levels_are_finite(const ElementQuantizer& quantizer, const ValueRange& range) {
  const auto level = [&](float x) {
    const float steps = clamped(x / quantizer.step_factor, quantizer.lowest, quantizer.highest);
    return with_rounding(quantizer.rounding, [&](auto mode) { return round_small<mode.value>(steps); }) *
           quantizer.scale;
  };
  return range.empty() || (is_finite(level(range.min)) && is_finite(level(range.max)));
}

// The candidates of a batch (or of its channel) whose finite values span [range.min, range.max].
QCAL_HOST_DEVICE inline ErrorSpec error_spec(const CandidateSpec& spec, const ValueRange& range) {
  ErrorSpec errors;
  double unit = 1.0;
  for (int k = 0; k < diffs_candidates; ++k) {
    const Candidate candidate = candidate_scale(spec, range, k);
    errors.quantizers[static_cast<std::size_t>(k)] =
        element_quantizer(candidate.scale, candidate.zero_point, spec.range, spec.rounding);
    if (k == 0) unit = exact_power_of_two(-binary_exponent(candidate.scale));
    const ElementQuantizer& quantizer = errors.quantizers[static_cast<std::size_t>(k)];
    const double step = static_cast<double>(quantizer.scale) * unit;
    errors.weights[static_cast<std::size_t>(k)] =
        levels_are_finite(quantizer, range) ? step * step : std::numeric_limits<double>::infinity();
  }
  errors.steps = shortcut_of(errors.quantizers);
  return errors;
}

// What the candidates share of x / scale.
template <ErrorSpec::Steps how>
class BaseSteps {
 public:
  QCAL_HOST_DEVICE explicit BaseSteps(const ErrorSpec& spec)
      : first_(exact_divisor(spec.quantizers[0].step_factor)) {}

  // Of a finite x within the range that the candidates are made from.
  QCAL_HOST_DEVICE float operator()(float x) const {
    if constexpr (how == ErrorSpec::Steps::each_divided) return x;
    return how == ErrorSpec::Steps::multiplied ? x * first_.reciprocal : quotient(x, first_);
  }
  QCAL_HOST_DEVICE const ExactDivisor& divisor() const { return first_; }

 private:
  ExactDivisor first_;
};

// A candidate, ready for the element loop. Steps and levels must lie within 2^22.
//
// The round mode does not show: a value half-way between two levels is half a step from both, and one beyond
// the last level is rounded to that in every mode.
template <ErrorSpec::Steps how>
struct CandidateError {
  // Adding it rounds to an integer, half to even, and leaves that in the sum's last bits.
  static constexpr float shifter = 12582912.0f;  // 1.5 * 2^23

  float factor;   // of BaseSteps
  float lowest;   // level, shifted
  float highest;  // level, shifted

  CandidateError() = default;
  QCAL_HOST_DEVICE CandidateError(const ErrorSpec& spec, int k) {
    const ElementQuantizer& quantizer = spec.quantizers[static_cast<std::size_t>(k)];
    factor = how == ErrorSpec::Steps::each_divided ? quantizer.step_factor
                                                   : spec.quantizers[0].step_factor / quantizer.step_factor;
    const ElementQuantizer& bounds =
        how == ErrorSpec::Steps::each_divided ? quantizer : spec.quantizers[0];  // which all share
    lowest = shifter + bounds.lowest;
    highest = shifter + bounds.highest;
  }

  // (x - fake_quantize(x))^2 in squared steps, of x's BaseSteps. `base * factor` is exact, so that it may be
  // fused with the addition or not.
  QCAL_HOST_DEVICE float squared(float base) const {
    if constexpr (how == ErrorSpec::Steps::each_divided) {
      const float steps = base / factor;
      const float difference = steps - (clamped(steps + shifter, lowest, highest) - shifter);
      return difference * difference;
    } else {
      const float level = clamped(plus(base, shifter), lowest, highest) - shifter;
      const float difference = plus(base, -level);
      return difference * difference;
    }
  }

 private:
  QCAL_HOST_DEVICE float plus(float base, float term) const {
#if defined(__CUDA_ARCH__)
    return fused(base, factor, term);
#else
    return base * factor + term;
#endif
  }
};

// Sums of squared steps as squared errors, in units of the power of two below the first candidate's scale:
// only their ratios matter. A candidate that puts a value on a level beyond float32 costs infinitely much.
inline CandidateErrors weighted_errors(const CandidateErrors& squared_steps, const ErrorSpec& spec) {
  CandidateErrors errors;
  for (std::size_t k = 0; k < errors.size(); ++k) {
    const double weight = spec.weights[k];
    errors[k] = weight < std::numeric_limits<double>::infinity() ? squared_steps[k] * weight : weight;
  }
  return errors;
}

}  // namespace qcal
