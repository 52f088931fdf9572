#include "kernels/scale_error.h"

#include <algorithm>

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scale_error_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd_quantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {
namespace {

using Steps = ErrorSpec::Steps;

// One of the chunk's columns of `lanes` float lanes; rows lie ordered_sum_lanes apart.
template <Rounding mode, Steps how>
void column_errors(const float* values, std::size_t rows, const ErrorSpec& spec,
                   float (&sums)[diffs_candidates][ordered_sum_lanes], std::size_t column) {
  const hn::CappedTag<float, ordered_sum_lanes> d;
  using V = hn::Vec<decltype(d)>;
  const V unit = hn::Set(d, spec.unit);
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const float first_factor = spec.quantizers[0].step_factor;
  const V first = hn::Set(d, how == Steps::multiplied ? 1.0f / first_factor : first_factor);
  V sum[diffs_candidates];
  V factor[diffs_candidates];
  for (int k = 0; k < diffs_candidates; ++k) {
    sum[k] = hn::Zero(d);
    const float own = spec.quantizers[static_cast<std::size_t>(k)].step_factor;
    factor[k] = hn::Set(d, how == Steps::each_divided ? own : first_factor / own);
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const V loaded = hn::LoadU(d, values + row * ordered_sum_lanes + column);
    const V x = hn::IfThenElseZero(hn::Lt(hn::Abs(loaded), infinity), loaded);
    const V base = how == Steps::multiplied ? hn::Mul(x, first) : hn::Div(x, first);
    for (int k = 0; k < diffs_candidates; ++k) {
      const ElementQuantizer& quantizer = spec.quantizers[static_cast<std::size_t>(k)];
      V steps = how == Steps::each_divided ? hn::Div(x, factor[k]) : hn::Mul(base, factor[k]);
      steps = hn::Min(hn::Max(steps, hn::Set(d, quantizer.lowest)), hn::Set(d, quantizer.highest));
      const V quantized = hn::Mul(round_lanes<mode>(d, steps), hn::Set(d, quantizer.scale));
      const V difference = hn::Mul(hn::Sub(x, quantized), unit);
      sum[k] = hn::Add(sum[k], hn::Mul(difference, difference));
    }
  }
  for (int k = 0; k < diffs_candidates; ++k) hn::StoreU(sum[k], d, sums[k] + column);
}

template <Rounding mode, Steps how>
CandidateErrors errors_of_rows(const float* values, std::size_t rows, const ErrorSpec& spec) {
  const hn::CappedTag<float, ordered_sum_lanes> d;
  float sums[diffs_candidates][ordered_sum_lanes];
  for (std::size_t column = 0; column < ordered_sum_lanes; column += hn::Lanes(d)) {
    column_errors<mode, how>(values, rows, spec, sums, column);
  }
  CandidateErrors errors;
  for (std::size_t k = 0; k < errors.size(); ++k) errors[k] = add_lanes(sums[k]);
  return errors;
}

CandidateErrors errors_of_chunk(const float* values, std::size_t rows, const ErrorSpec& spec) {
  return with_rounding(spec.quantizers[0].rounding, [&](auto rounding) {
    switch (spec.steps) {
      case Steps::multiplied:
        return errors_of_rows<rounding.value, Steps::multiplied>(values, rows, spec);
      case Steps::first_divided:
        return errors_of_rows<rounding.value, Steps::first_divided>(values, rows, spec);
      case Steps::each_divided:
        break;
    }
    return errors_of_rows<rounding.value, Steps::each_divided>(values, rows, spec);
  });
}

}  // namespace
}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qcal {
namespace {

// Quotients below 2^-126 lose bits when they are doubled instead of divided anew; both round to 0 steps.
ErrorSpec::Steps steps_of(const CandidateQuantizers& quantizers) {
  const float first = quantizers[0].step_factor;
  float factor = first;
  for (const ElementQuantizer& quantizer : quantizers) {
    if (quantizer.step_factor != factor) return ErrorSpec::Steps::each_divided;
    factor *= 0.5f;
  }
  const int exponent = binary_exponent(first);
  const bool power_of_two = exact_power_of_two(exponent) == static_cast<double>(first);
  return power_of_two && exponent <= 126 ? ErrorSpec::Steps::multiplied : ErrorSpec::Steps::first_divided;
}

HWY_EXPORT(errors_of_chunk);

}  // namespace

ErrorSpec error_spec(const CandidateSpec& spec, const ValueRange& range) {
  ErrorSpec errors;
  for (int k = 0; k < diffs_candidates; ++k) {
    const Candidate candidate = candidate_scale(spec, range, k);
    ElementQuantizer& quantizer = errors.quantizers[static_cast<std::size_t>(k)];
    quantizer = element_quantizer(candidate.scale, candidate.zero_point, spec.range, spec.rounding);
    if (k == 0) {
      const int exponent =
          std::clamp(binary_exponent(candidate.scale), -126, 126);  // so that float32 holds the unit
      errors.unit = static_cast<float>(exact_power_of_two(-exponent));
    }
  }
  errors.steps = steps_of(errors.quantizers);
  return errors;
}

CandidateErrors chunk_errors(std::span<const float> chunk, const ErrorSpec& spec) {
  const auto errors_of = HWY_DYNAMIC_DISPATCH(errors_of_chunk);
  if (chunk.size() % ordered_sum_lanes == 0) {
    return errors_of(chunk.data(), chunk.size() / ordered_sum_lanes, spec);
  }
  float padded[ordered_sum_chunk] = {};  // a zero is quantized without error and adds nothing
  std::copy(chunk.begin(), chunk.end(), padded);
  return errors_of(padded, chunk.size() / ordered_sum_lanes + 1, spec);
}

}  // namespace qcal
#endif
