// Every instruction set that the kernels were compiled for gives the same bits.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "kernels/fake_quantize.h"
#include "kernels/half_math.h"
#include "kernels/histogram.h"
#include "kernels/log_math.h"
#include "kernels/moments.h"
#include "kernels/scale_error.h"
#include "kernels/search_logs.h"
#include "kernels/statistics.h"
#include "kernels/transpose.h"
#include "kernels/widen.h"
#include "tests/reference/test_data.h"
#include "tests/support/simd_targets.h"

namespace qcal::testing {
namespace {

// Sizes around vectors, chunks and blocks; data with ties, NaN, infinities, subnormals and both zeros among
// them.
std::vector<std::vector<float>> inputs() {
  std::vector<std::vector<float>> all;
  std::uint64_t seed = 0;
  for (const Shape shape : {Shape::normal, Shape::relu, Shape::heavy_tail, Shape::all_zero}) {
    for (const std::size_t size : edge_sizes) all.push_back(samples(shape, size, ++seed));
  }
  std::vector<float> ties;
  for (int i = -600; i <= 600; ++i) ties.push_back(0.5f * static_cast<float>(i));
  for (int i = -600; i <= 600; ++i) ties.push_back(std::nextafter(0.5f * static_cast<float>(i), 1e9f));
  for (int i = -600; i <= 600; ++i) ties.push_back(std::nextafter(0.5f * static_cast<float>(i), -1e9f));
  all.push_back(ties);
  std::vector<float> odd = samples(Shape::normal, 700, 9);
  odd[3] = nan_value;
  odd[200] = infinity;
  odd[350] = -infinity;
  odd[351] = smallest_subnormal;
  odd[352] = -smallest_subnormal;
  odd[353] = -0.0f;
  odd[354] = largest_float;
  all.push_back(odd);
  return all;
}

std::vector<std::uint32_t> bits_of(std::span<const float> values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

TEST(SimdTargets, MoreThanOneIsTested) {
  const auto targets = hwy::SupportedAndGeneratedTargets();
  if (targets.size() == 1)
    GTEST_SKIP() << "this machine has no other instruction set than " << hwy::TargetName(targets[0]);
  EXPECT_GT(targets.size(), 1u);
}

TEST(SimdTargets, Ranges) {
  for (const std::vector<float>& values : inputs()) {
    std::vector<ValueRange> ranges;
    for_each_target([&] { ranges.push_back(range_of(values)); });
    for (const ValueRange& range : ranges) {
      EXPECT_EQ(range, ranges.front());
      EXPECT_EQ(std::signbit(range.min), std::signbit(ranges.front().min));
    }
  }
}

TEST(SimdTargets, Moments) {
  for (const std::vector<float>& values : inputs()) {
    const std::size_t chunks = (values.size() + ordered_sum_chunk - 1) / ordered_sum_chunk;
    std::vector<MomentSums> expected;
    for (std::size_t c = 0; c < chunks; ++c) {
      float sums[ordered_sum_lanes] = {};
      float squares[ordered_sum_lanes] = {};
      for (std::size_t i = c * ordered_sum_chunk; i < std::min(values.size(), (c + 1) * ordered_sum_chunk);
           ++i) {
        add_moments(values[i], sums[i % ordered_sum_lanes], squares[i % ordered_sum_lanes]);
      }
      expected.push_back({add_lanes(sums), add_lanes(squares)});
    }
    for_each_target([&] {
      std::vector<MomentSums> found(chunks);
      chunk_moments(values, found.data());
      EXPECT_EQ(found, expected);
    });
  }
}

TEST(SimdTargets, WidenedValues) {
  std::vector<std::uint16_t> patterns(65536 + 5);
  std::vector<double> wide;
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<std::uint16_t>(i);
  for (const std::vector<float>& values : inputs()) {
    for (const float x : values) wide.push_back(static_cast<double>(x) * 1.0000000123);
  }
  const auto expect_same = [](std::span<const float> found, const auto& stored, const auto& widened) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      const float expected = widened(stored[i]);
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(found[i])) << i;
      } else {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(expected)) << i;
      }
    }
  };
  for_each_target([&] {
    std::vector<float> found(patterns.size());
    widen_float16(patterns.data(), patterns.size(), found.data());
    expect_same(found, patterns, float16_to_float);
    widen_bfloat16(patterns.data(), patterns.size(), found.data());
    expect_same(found, patterns, bfloat16_to_float);
    found.resize(wide.size());
    narrow_float64(wide.data(), wide.size(), found.data());
    expect_same(found, wide, [](double x) { return static_cast<float>(x); });
  });
}

TEST(SimdTargets, TransposedValues) {
  for_each_target([&] {
    for (const std::int64_t rows : {1, 3, 4, 16, 37}) {
      for (const std::int64_t columns : {1, 2, 5, 16, 35}) {
        const std::int64_t from_row = columns + 2, to_row = rows + 1;
        const std::vector<float> from = samples(Shape::normal, static_cast<std::size_t>(rows * from_row), 3);
        std::vector<float> to(static_cast<std::size_t>(columns * to_row), -1.0f);
        transpose(from.data(), from_row, rows, columns, to.data(), to_row);
        for (std::int64_t column = 0; column < columns; ++column) {
          const float* const found = to.data() + column * to_row;
          for (std::int64_t row = 0; row < rows; ++row)
            ASSERT_EQ(found[row], from[static_cast<std::size_t>(row * from_row + column)])
                << row << ' ' << column;
          ASSERT_EQ(found[rows], -1.0f) << "nothing else is written";
        }
      }
    }
  });
}

TEST(SimdTargets, FakeQuantizedValues) {
  for (const std::vector<float>& values : inputs()) {
    for (const Rounding rounding :
         {Rounding::half_even, Rounding::half_up, Rounding::half_down, Rounding::std_round}) {
      for (const double scale : {1.0, 0.37, 0x1p-5}) {
        const ElementQuantizer divide = element_quantizer(scale, 3, integer_range(8, true, false), rounding);
        const ElementQuantizer multiply =
            vitis_element_quantizer(scale, 3, integer_range(16, true, false), rounding, true);
        for (const ElementQuantizer& quantizer : {divide, multiply}) {
          std::vector<float> expected;
          for (const float x : values) {
            expected.push_back(with_quantizer_kind(quantizer, [&](auto mode, auto arithmetic) {
              return fake_quantize<mode.value, arithmetic.value>(x, quantizer);
            }));
          }
          for_each_target([&] {
            std::vector<float> out(values.size());
            fake_quantize(values, quantizer, out);
            EXPECT_EQ(bits_of(out), bits_of(expected));
          });
        }
      }
    }
  }
}

// Sum of one chunk in the contract's order, element by element.
CandidateErrors scalar_errors(std::span<const float> chunk, const ErrorSpec& spec) {
  CandidateErrors errors;
  for (std::size_t k = 0; k < errors.size(); ++k) {
    const ElementQuantizer& quantizer = spec.quantizers[k];
    float lanes[ordered_sum_lanes] = {};
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      const float x = is_finite(chunk[i]) ? chunk[i] : 0.0f;
      const float level = with_quantizer_kind(quantizer, [&](auto mode, auto arithmetic) {
        return quantize_steps<mode.value, arithmetic.value>(x, quantizer);
      });
      const float difference = x / quantizer.step_factor - level;
      lanes[i % ordered_sum_lanes] += difference * difference;
    }
    errors[k] = add_lanes(lanes);
  }
  return errors;
}

TEST(SimdTargets, SquaredErrors) {
  int shortcuts[3] = {};
  for (std::vector<float>& values : inputs()) {
    for (float& x : values) x = x == largest_float ? 5.0f : x;  // or the others were all 0
    const ValueRange range = range_of(values);
    for (const Rounding rounding :
         {Rounding::half_even, Rounding::half_up, Rounding::half_down, Rounding::std_round}) {
      for (const CandidateRule rule : {CandidateRule::halving, CandidateRule::power_of_two}) {
        for (const bool symmetric : {true, false}) {
          for (const int bits : {2, 8, 16}) {
            const CandidateSpec candidates{rule, bits, integer_range(bits, true, false), symmetric, rounding};
            ErrorSpec spec = error_spec(candidates, range);
            ++shortcuts[static_cast<int>(spec.steps)];
            const auto chunk =
                std::span(values).first(std::min<std::size_t>(values.size(), ordered_sum_chunk));
            const CandidateErrors expected = scalar_errors(chunk, spec);
            for_each_target([&] { EXPECT_EQ(chunk_errors(chunk, spec), expected); });
            for (std::size_t k = 0; k < expected.size(); ++k) {
              std::array<double, 1> alone = {};
              for_each_target([&] {
                chunk_errors(chunk, spec, k, &alone);
                EXPECT_EQ(alone[0], expected[k]);
              });
            }
            spec.steps = ErrorSpec::Steps::each_divided;
            for_each_target([&] { EXPECT_EQ(chunk_errors(chunk, spec), expected); });
          }
        }
      }
    }
  }
  EXPECT_GT(shortcuts[static_cast<int>(ErrorSpec::Steps::first_divided)], 100);
  EXPECT_GT(shortcuts[static_cast<int>(ErrorSpec::Steps::multiplied)], 100);
}

// Scales at the lower end of what exists are no halves of each other: the shortcut must not be taken.
TEST(SimdTargets, SquaredErrorsOfTheSmallestScales) {
  const std::vector<float> values = samples(Shape::normal, ordered_sum_chunk, 5, 1e-36);
  const CandidateSpec candidates{CandidateRule::halving, 8, integer_range(8, true, false), true,
                                 Rounding::half_even};
  const ErrorSpec spec = error_spec(candidates, range_of(values));
  EXPECT_EQ(spec.steps, ErrorSpec::Steps::each_divided);
  for_each_target([&] { EXPECT_EQ(chunk_errors(values, spec), scalar_errors(values, spec)); });
}

float counted_value(float x, Counted counted) {
  return counted == Counted::magnitude ? std::fabs(x) : x;
}

void expect_linear_counts(const std::vector<float>& values, const LinearBins& grid, Counted counted) {
  std::vector<std::uint64_t> expected(static_cast<std::size_t>(grid.bins));
  for (const float x : values) {
    const int bin = linear_bin(counted_value(x, counted), grid);
    if (bin != no_bin) ++expected[static_cast<std::size_t>(bin)];
  }
  for_each_target([&] {
    std::vector<std::uint64_t> counts(expected.size());
    count_linear(values, grid, counted, counts);
    EXPECT_EQ(counts, expected);
  });
}

TEST(SimdTargets, LinearCounts) {
  for (const std::vector<float>& values : inputs()) {
    const ValueRange range = range_of(values);
    for (const Counted counted : {Counted::magnitude, Counted::value}) {
      for (const float high : {3.0f, std::max(range.amax(), 1e-3f)}) {
        const float low = counted == Counted::magnitude ? 0.0f : -high;
        for (const int bins : {histogram_bins, 5000})
          expect_linear_counts(values, linear_bins(low, high, bins), counted);
        // Zeros have no bin.
        expect_linear_counts(values, linear_bins(0.25f * high, high), counted);
      }
    }
  }
}

// More values than a 16-bit counter counts, in one bin or few.
TEST(SimdTargets, CountsOfManyAlike) {
  constexpr std::size_t size = 700'001;
  std::vector<float> values(size, 0.5f);
  const auto expect_counts = [&] {
    for (const Counted counted : {Counted::magnitude, Counted::value}) {
      for (const float low : {0.0f, -1.0f}) expect_linear_counts(values, linear_bins(low, 1.0f), counted);
    }
    std::vector<std::uint64_t> expected(1025);
    for (const float x : values) ++expected[static_cast<std::size_t>(x * 1024.0f)];
    for_each_target([&] {
      std::vector<std::uint64_t> counts(expected.size());
      count_dyadic(values, -10, 0, Counted::magnitude, counts);
      EXPECT_EQ(counts, expected);
    });
  };
  expect_counts();
  values[0] = 1.0f;  // the others are not what a round begins with
  expect_counts();
  for (std::size_t i = 0; i < size; ++i) values[i] = i % 4 == 1 ? 0.5f : 0.25f;
  expect_counts();
  for (std::size_t i = 0; i < size; ++i) values[i] = i % 3 == 1 ? 0.5f : 0.0f;
  expect_counts();
  values.assign(size, 0.0f);
  expect_counts();
}

TEST(SimdTargets, DyadicCounts) {
  for (std::vector<float> values : inputs()) {
    // Negative values that vanish in the product with 2^-exponent belong below 0 all the same.
    if (values.size() > 100) values[70] = -smallest_subnormal;
    for (const float factor : {1.0f, 0x1p-100f, 0x1p-140f}) {
      std::vector<float> scaled = values;
      for (float& x : scaled) x *= factor;
      const ValueRange range = range_of(scaled);
      for (const Counted counted : {Counted::magnitude, Counted::value}) {
        const Histogram empty = dyadic_histogram(range, counted);
        if (empty.counts.empty()) continue;
        const int exponent = std::ilogb(empty.width);
        const auto first = static_cast<std::int64_t>(empty.origin / empty.width);
        std::vector<std::uint64_t> expected(empty.counts.size());
        for (const float x : scaled) {
          if (!is_finite(x)) continue;
          const double position =
              std::floor(std::ldexp(static_cast<double>(counted_value(x, counted)), -exponent));
          ++expected.at(static_cast<std::size_t>(position - static_cast<double>(first)));
        }
        for_each_target([&] {
          std::vector<std::uint64_t> counts(expected.size());
          count_dyadic(scaled, exponent, first, counted, counts);
          EXPECT_EQ(counts, expected) << "exponent " << exponent;
        });
      }
    }
  }
}

TEST(SimdTargets, Logarithms) {
  std::vector<double> values;
  for (int i = 1; i < 5000; ++i) values.push_back(i);
  for (double x = 0x1p-1022; x < 1e308; x *= 1.37) values.push_back(x);
  for (const double x : {1.0, std::sqrt(2.0), std::sqrt(0.5), 0x1p53, 0x1p1023})
    for (const double near : {std::nextafter(x, 0.0), x, std::nextafter(x, 1e308)}) values.push_back(near);
  for_each_target([&] {
    std::vector<double> logs(values.size());
    search_logs(values, logs);
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(std::bit_cast<std::uint64_t>(logs[i]), std::bit_cast<std::uint64_t>(search_log(values[i])))
          << values[i];
  });
}

}  // namespace
}  // namespace qcal::testing
