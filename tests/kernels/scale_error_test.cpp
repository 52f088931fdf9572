#include "kernels/scale_error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/statistics.h"
#include "tests/reference/reference_quantize.h"
#include "tests/reference/reference_sum.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

// Squared errors in squared steps, exact but for double rounding.
double reference_error(std::span<const float> values, const ReferenceQuantizer& quantizer) {
  double sum = 0.0;
  for (const float stored : values) {
    const double error = reference_step_error(std::isfinite(stored) ? stored : 0.0f, quantizer);
    sum += error * error;
  }
  return sum;
}

// The difference, its square and up to 32 additions to a lane are float32 operations on non-negative terms,
// each with a relative error of 2^-24; the squared difference counts twice. 2 + 1 + 32 = 35, and one for the
// double additions and the products of errors. Squares below 2^-149 vanish.
constexpr double relative_bound = 36 * 0x1p-24;
double absolute_bound(std::size_t values) {
  return static_cast<double>(values) * 0x1p-149;
}

ReferenceQuantizer reference_of(const CandidateSpec& spec, const Candidate& candidate) {
  return {static_cast<float>(candidate.scale), candidate.zero_point, spec.range, spec.rounding};
}

void expect_reference(std::span<const float> values, const CandidateSpec& spec) {
  const ValueRange range = range_of(values);
  const ErrorSpec errors = error_spec(spec, range);
  for (std::size_t at = 0; at < values.size(); at += 512) {
    const auto chunk = values.subspan(at, std::min<std::size_t>(512, values.size() - at));
    const CandidateErrors ours = chunk_errors(chunk, errors);
    for (int k = 0; k < diffs_candidates; ++k) {
      const double expected = reference_error(chunk, reference_of(spec, candidate_scale(spec, range, k)));
      ASSERT_NEAR(ours[static_cast<std::size_t>(k)], expected,
                  relative_bound * expected + absolute_bound(chunk.size()))
          << "candidate " << k;
      ASSERT_TRUE(std::isfinite(ours[static_cast<std::size_t>(k)]));
    }
  }
}

TEST(ScaleError, EveryShapeMagnitudeAndRule) {
  for (const Shape shape : all_shapes) {
    for (const double factor : {1.0, 1e-41, 1e-30, 1e-10, 1e10, 5e35}) {
      for (const CandidateRule rule : {CandidateRule::halving, CandidateRule::power_of_two}) {
        for (const bool symmetric : {true, false}) {
          for (const int bits : {2, 8, 16}) {
            SCOPED_TRACE(std::string(name_of(shape)) + " * " + std::to_string(factor) + ", bits " +
                         std::to_string(bits));
            const CandidateSpec spec{.rule = rule,
                                     .bit_width = bits,
                                     .range = integer_range(bits, true, false),
                                     .symmetric = symmetric,
                                     .rounding = Rounding::half_up};
            expect_reference(samples(shape, 700, 3, factor), spec);
          }
        }
      }
    }
  }
}

TEST(ScaleError, EverySizeWithinAChunkAndRoundMode) {
  const std::vector<float> values = samples(Shape::normal, 512, 8);
  for (const Rounding rounding :
       {Rounding::half_even, Rounding::half_up, Rounding::half_down, Rounding::std_round}) {
    const CandidateSpec spec{.rule = CandidateRule::halving, .range = {-8, 7}, .rounding = rounding};
    for (const std::size_t size : edge_sizes) {
      if (size <= 512) expect_reference(std::span(values).first(size), spec);
    }
  }
}

// Steps make errors of tiny and huge data comparable: the same data times a power of two cost the same.
TEST(ScaleError, DoesNotDependOnTheMagnitude) {
  const std::vector<float> values = samples(Shape::normal, 512, 8);
  const CandidateSpec spec{.rule = CandidateRule::power_of_two, .range = {-128, 127}};
  const CandidateErrors expected = chunk_errors(values, error_spec(spec, range_of(values)));
  for (const int exponent : {-100, -60, -1, 1, 60, 120}) {
    std::vector<float> scaled = values;
    for (float& x : scaled) x = std::ldexp(x, exponent);
    EXPECT_EQ(chunk_errors(scaled, error_spec(spec, range_of(scaled))), expected) << exponent;
  }
}

TEST(ScaleError, NonFiniteValuesCountAsZero) {
  std::vector<float> values = samples(Shape::normal, 512, 8);
  std::vector<float> zeroed = values;
  for (const std::size_t i : {std::size_t{3}, std::size_t{100}, std::size_t{511}}) {
    values[i] = i == 100 ? nan_value : -infinity;
    zeroed[i] = 0.0f;
  }
  const CandidateSpec spec{.rule = CandidateRule::halving, .range = {-128, 127}};
  const ErrorSpec errors = error_spec(spec, range_of(zeroed));
  EXPECT_EQ(chunk_errors(values, errors), chunk_errors(zeroed, errors));
}

TEST(ScaleError, LanesAreAddedInTheDocumentedOrder) {
  const std::vector<float> values = samples(Shape::heavy_tail, 512, 8);
  const CandidateSpec spec{.rule = CandidateRule::halving, .range = {-128, 127}};
  const ValueRange range = range_of(values);
  const ErrorSpec errors = error_spec(spec, range);
  for (const std::size_t size : {std::size_t{1}, std::size_t{17}, std::size_t{500}, std::size_t{512}}) {
    const CandidateErrors ours = chunk_errors(std::span(values).first(size), errors);
    for (int k = 0; k < diffs_candidates; ++k) {
      const ReferenceQuantizer quantizer = reference_of(spec, candidate_scale(spec, range, k));
      std::vector<float> squares;
      for (std::size_t i = 0; i < size; ++i) {
        const auto difference = static_cast<float>(reference_step_error(values[i], quantizer));
        squares.push_back(difference * difference);
      }
      EXPECT_EQ(ours[static_cast<std::size_t>(k)], reference_chunk_sum(squares)) << size << " " << k;
    }
  }
}

// Candidates whose largest level overflows float32 must lose, and never turn into NaN.
TEST(ScaleError, OverflowingLevelsCostInfinitelyMuch) {
  const std::vector<float> values = {largest_float, -largest_float, 1e38f};
  for (const int bits : {2, 3, 8}) {
    const CandidateSpec spec{
        .rule = CandidateRule::power_of_two, .bit_width = bits, .range = integer_range(bits, true, false)};
    const ErrorSpec candidates = error_spec(spec, range_of(values));
    const CandidateErrors errors = weighted_errors(chunk_errors(values, candidates), candidates);
    int finite = 0;
    for (const double error : errors) {
      EXPECT_FALSE(std::isnan(error)) << bits;
      finite += std::isfinite(error) ? 1 : 0;
    }
    EXPECT_GT(finite, 0) << bits;
  }
}

// In units of the power of two below the first scale.
TEST(ScaleError, WeightsMakeStepsOfCandidatesComparable) {
  ValueRange range;
  range.max = 0.4f * 127.0f;
  range.min = 0.0f;
  range.elements = 1;
  const ErrorSpec spec = error_spec({.rule = CandidateRule::halving, .range = {-128, 127}}, range);
  const double first = static_cast<double>(spec.quantizers[0].scale) / 0.25;
  const CandidateErrors errors = weighted_errors({3.0, 3.0, 3.0, 3.0, 0.0}, spec);
  for (int k = 0; k < 4; ++k) {
    EXPECT_DOUBLE_EQ(errors[static_cast<std::size_t>(k)], 3.0 * std::ldexp(first * first, -2 * k)) << k;
  }
  EXPECT_EQ(errors[4], 0.0);
}

}  // namespace
}  // namespace qcal::testing
