#include "kernels/scale_error.h"

#include "kernels/whole_chunks.h"

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scale_error_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd_quantize-inl.h"
#include "kernels/simd_sums-inl.h"

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

// `count` candidates of a spec, from `begin` on, in vectors.
template <Steps how, int count, class D>
class Candidates {
 public:
  using V = hn::Vec<D>;
  using I = hn::Vec<hn::RebindToSigned<D>>;

  Candidates(const ErrorSpec& spec, int begin) : first_(BaseSteps<how>(spec).divisor()) {
    const D d;
    const hn::RebindToSigned<D> di;
    for (int k = 0; k < count; ++k) {
      const CandidateError<how> candidate(spec, begin + k);
      factor_[k] = hn::Set(d, candidate.factor);
      lowest_[k] = hn::BitCast(di, hn::Set(d, candidate.lowest));
      highest_[k] = hn::BitCast(di, hn::Set(d, candidate.highest));
    }
  }

  // Adds the squared errors of a vector of values to each candidate's sum.
  HWY_INLINE void add(V loaded, V (&sums)[count]) const {
    const D d;
    const hn::RebindToSigned<D> di;
    const V shifter = hn::Set(d, CandidateError<how>::shifter);
    const auto finite = hn::Lt(hn::Abs(loaded), hn::Set(d, std::numeric_limits<float>::infinity()));
    const V base = base_steps<how>(d, hn::IfThenElseZero(finite, loaded), first_);
    for (int k = 0; k < count; ++k) {
      constexpr bool divides = how == Steps::each_divided;
      const V quotient = divides ? hn::Div(base, factor_[k]) : base;
      const V shifted = divides ? hn::Add(quotient, shifter) : hn::MulAdd(base, factor_[k], shifter);
      // Positive floats are in the order of their bits, whose minima more units can take.
      const I clamped = hn::Min(hn::Max(hn::BitCast(di, shifted), lowest_[k]), highest_[k]);
      const V level = hn::Sub(hn::BitCast(d, clamped), shifter);
      const V difference = divides ? hn::Sub(quotient, level) : hn::MulSub(base, factor_[k], level);
      sums[k] = hn::Add(sums[k], hn::Mul(difference, difference));
    }
  }

 private:
  ExactDivisor first_;
  V factor_[count];
  I lowest_[count];
  I highest_[count];
};

template <Steps how, std::size_t count>
void errors_of_chunks(const float* values, std::size_t chunks, std::size_t rows, const ErrorSpec& spec,
                      int begin, std::array<double, count>* sums) {
  using D = hn::CappedTag<float, ordered_sum_lanes>;
  const Candidates<how, count, D> candidates(spec, begin);
  sum_chunks(values, chunks, rows, sums,
             [&](hn::Vec<D> loaded, auto& lane_sums) HWY_ATTR { candidates.add(loaded, lane_sums); });
}

template <std::size_t count>
void errors_from(const float* values, std::size_t chunks, std::size_t rows, const ErrorSpec& spec, int begin,
                 std::array<double, count>* sums) {
  switch (spec.steps) {
    case Steps::multiplied:
      return errors_of_chunks<Steps::multiplied>(values, chunks, rows, spec, begin, sums);
    case Steps::first_divided:
      return errors_of_chunks<Steps::first_divided>(values, chunks, rows, spec, begin, sums);
    case Steps::each_divided:
      return errors_of_chunks<Steps::each_divided>(values, chunks, rows, spec, begin, sums);
  }
}

void errors_of_all(const float* values, std::size_t chunks, std::size_t rows, const ErrorSpec& spec,
                   CandidateErrors* sums) {
  errors_from(values, chunks, rows, spec, 0, sums);
}

void errors_of_one(const float* values, std::size_t chunks, std::size_t rows, const ErrorSpec& spec,
                   int candidate, std::array<double, 1>* sums) {
  errors_from(values, chunks, rows, spec, candidate, sums);
}

}  // namespace
}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qcal {
namespace {

HWY_EXPORT(errors_of_all);
HWY_EXPORT(errors_of_one);

}  // namespace

void chunk_errors(std::span<const float> values, const ErrorSpec& spec, CandidateErrors* sums) {
  const auto of_chunks = HWY_DYNAMIC_DISPATCH(errors_of_all);
  for_whole_chunks(values, sums,
                   [&](const float* from, std::size_t chunks, std::size_t rows, CandidateErrors* into) {
                     of_chunks(from, chunks, rows, spec, into);
                   });
}

void chunk_errors(std::span<const float> values, const ErrorSpec& spec, std::size_t candidate,
                  std::array<double, 1>* sums) {
  const auto of_chunks = HWY_DYNAMIC_DISPATCH(errors_of_one);
  for_whole_chunks(values, sums,
                   [&](const float* from, std::size_t chunks, std::size_t rows, std::array<double, 1>* into) {
                     of_chunks(from, chunks, rows, spec, static_cast<int>(candidate), into);
                   });
}

}  // namespace qcal
#endif
