#include "kernels/scale_error.h"

#include <algorithm>

namespace qcal {
namespace {

template <Rounding mode, StepArithmetic arithmetic>
double chunk_error(std::span<const float> chunk, const ElementQuantizer& quantizer, float unit) {
  float lanes[ordered_sum_lanes] = {};
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    const float x = is_finite(chunk[i]) ? chunk[i] : 0.0f;
    const float difference = (x - fake_quantize<mode, arithmetic>(x, quantizer)) * unit;
    lanes[i % ordered_sum_lanes] += difference * difference;
  }
  return add_lanes(lanes);
}

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
  return errors;
}

CandidateErrors chunk_errors(std::span<const float> chunk, const ErrorSpec& spec) {
  CandidateErrors errors{};
  for (std::size_t k = 0; k < errors.size(); ++k) {
    errors[k] = with_quantizer_kind(spec.quantizers[k], [&](auto rounding, auto arithmetic) {
      return chunk_error<rounding.value, arithmetic.value>(chunk, spec.quantizers[k], spec.unit);
    });
  }
  return errors;
}

}  // namespace qcal
