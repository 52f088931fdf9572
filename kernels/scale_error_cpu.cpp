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

// BaseSteps for vectors.
template <Steps how, class D, class V = hn::Vec<D>>
HWY_INLINE V base_steps(D d, V x, const ExactDivisor& first) {
  if constexpr (how == Steps::each_divided) return x;
  const V reciprocal = hn::Set(d, first.reciprocal);
  if constexpr (how == Steps::multiplied) return hn::Mul(x, reciprocal);
  return quotient_lanes(d, x, hn::Set(d, first.divisor), reciprocal);
}

// One of the chunk's columns of `lanes` float lanes; rows lie ordered_sum_lanes apart.
template <Steps how>
void column_errors(const float* values, std::size_t rows, const ErrorSpec& spec,
                   float (&sums)[diffs_candidates][ordered_sum_lanes], std::size_t column) {
  const hn::CappedTag<float, ordered_sum_lanes> d;
  using V = hn::Vec<decltype(d)>;
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const V shifter = hn::Set(d, CandidateError<how>::shifter);
  const ExactDivisor first = BaseSteps<how>(spec).divisor();
  V sum[diffs_candidates];
  V factor[diffs_candidates];
  V lowest[diffs_candidates];
  V highest[diffs_candidates];
  for (int k = 0; k < diffs_candidates; ++k) {
    const CandidateError<how> candidate(spec, k);
    sum[k] = hn::Zero(d);
    factor[k] = hn::Set(d, candidate.factor);
    lowest[k] = hn::Set(d, candidate.lowest);
    highest[k] = hn::Set(d, candidate.highest);
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const V loaded = hn::LoadU(d, values + row * ordered_sum_lanes + column);
    const V x = hn::IfThenElseZero(hn::Lt(hn::Abs(loaded), infinity), loaded);
    const V base = base_steps<how>(d, x, first);
    for (int k = 0; k < diffs_candidates; ++k) {
      const bool divides = how == Steps::each_divided;
      const V quotient = divides ? hn::Div(base, factor[k]) : base;
      const V shifted = divides ? hn::Add(quotient, shifter) : hn::MulAdd(base, factor[k], shifter);
      const V level = hn::Sub(hn::Min(hn::Max(shifted, lowest[k]), highest[k]), shifter);
      const V difference = divides ? hn::Sub(quotient, level) : hn::MulSub(base, factor[k], level);
      sum[k] = hn::Add(sum[k], hn::Mul(difference, difference));
    }
  }
  for (int k = 0; k < diffs_candidates; ++k) hn::StoreU(sum[k], d, sums[k] + column);
}

template <Steps how>
CandidateErrors errors_of_rows(const float* values, std::size_t rows, const ErrorSpec& spec) {
  const hn::CappedTag<float, ordered_sum_lanes> d;
  float sums[diffs_candidates][ordered_sum_lanes];
  for (std::size_t column = 0; column < ordered_sum_lanes; column += hn::Lanes(d)) {
    column_errors<how>(values, rows, spec, sums, column);
  }
  CandidateErrors errors;
  for (std::size_t k = 0; k < errors.size(); ++k) errors[k] = add_lanes(sums[k]);
  return errors;
}

CandidateErrors errors_of_chunk(const float* values, std::size_t rows, const ErrorSpec& spec) {
  switch (spec.steps) {
    case Steps::multiplied:
      return errors_of_rows<Steps::multiplied>(values, rows, spec);
    case Steps::first_divided:
      return errors_of_rows<Steps::first_divided>(values, rows, spec);
    case Steps::each_divided:
      break;
  }
  return errors_of_rows<Steps::each_divided>(values, rows, spec);
}

}  // namespace
}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qcal {
namespace {

HWY_EXPORT(errors_of_chunk);

}  // namespace

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
