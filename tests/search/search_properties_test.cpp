// What must hold for every combination of settings on every kind of data, in the standard preset.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "kernels/error.h"
#include "kernels/fake_quantize.h"
#include "kernels/statistics.h"
#include "tests/search/calibration_support.h"

namespace qcal::testing {
namespace {

// mse and entropy read bin counts alone, so their product leaves the round modes out (see
// RoundModeIsForDataOnly), and narrow_range is for symmetric signed integers.
void for_each_combination(std::initializer_list<Method> methods,
                          const std::function<void(const Wanted&)>& visit) {
  for (const Method method : methods) {
    for (const RoundMode round_mode : all_round_modes) {
      if ((method == Method::mse || method == Method::entropy) && round_mode != RoundMode::half_even)
        continue;
      for (const bool symmetric : {true, false}) {
        for (const Signedness sign : {Signedness::is_signed, Signedness::is_unsigned}) {
          for (const bool narrow : {false, true}) {
            if (narrow && (!symmetric || sign != Signedness::is_signed)) continue;
            for (const ScaleType scale_type : all_scale_types) {
              for (const CalibrationScope scope : all_scopes) {
                for (const int bits : {2, 3, 4, 5, 8, 12, 16}) {
                  visit({.method = method,
                         .bit_width = bits,
                         .round_mode = round_mode,
                         .symmetric = symmetric,
                         .sign = sign,
                         .narrow = narrow,
                         .scale_type = scale_type,
                         .scope = scope});
                }
              }
            }
          }
        }
      }
    }
  }
}

struct Data {
  std::string name;
  std::vector<Batch> batches;
  float min, max;
};

Data data_of(Shape shape, double factor) {
  const std::vector<float> first = samples(shape, 301, 1, factor);
  const std::vector<float> second = samples(shape, 200, 2, 0.5 * factor);
  const ValueRange range = merge(range_of(first), range_of(second));
  return {std::string(name_of(shape)) + " * " + std::to_string(factor),
          {{first}, {second}},
          range.min,
          range.max};
}

bool refused(const Wanted& wanted, const Data& data) {
  return wanted.symmetric && wanted.sign == Signedness::is_unsigned && data.min < 0.0f;
}

IntegerRange expected_range(const Wanted& wanted) {
  const std::int64_t half = std::int64_t{1} << (wanted.bit_width - 1);
  if (wanted.sign == Signedness::is_unsigned) return {0, 2 * half - 1};
  return {wanted.narrow && wanted.symmetric ? 1 - half : -half, half - 1};
}

void expect_usable(const Wanted& wanted, const TensorOutcome& outcome) {
  ASSERT_EQ(outcome.channels.size(), 1u);
  EXPECT_EQ(outcome.settings.range, expected_range(wanted));
  std::vector<ScaleChoice> choices = outcome.channels;
  for (const auto& batch : outcome.per_batch) choices.insert(choices.end(), batch.begin(), batch.end());
  for (const ScaleChoice& choice : choices) {
    const auto single = static_cast<float>(choice.scale);
    ASSERT_TRUE(std::isfinite(choice.scale) && std::isfinite(single)) << choice.scale;
    ASSERT_GE(single, std::numeric_limits<float>::min());
    ASSERT_TRUE(std::isfinite(choice.amax) && choice.amax >= 0.0) << choice.amax;
    int exponent = 0;
    ASSERT_TRUE(wanted.scale_type != ScaleType::power_of_two || std::frexp(choice.scale, &exponent) == 0.5)
        << choice.scale;
    // With the zero point in range, real 0 is the integer zero_point.
    ASSERT_GE(choice.zero_point, outcome.settings.range.qmin);
    ASSERT_LE(choice.zero_point, outcome.settings.range.qmax);
    ASSERT_TRUE(!wanted.symmetric || choice.zero_point == 0) << choice.zero_point;
  }
}

void expect_properties(const Wanted& wanted, const Data& data) {
  SCOPED_TRACE(text_of(wanted) + " on " + data.name);
  if (!refused(wanted, data)) {
    expect_usable(wanted, calibrated(wanted, data.batches));
    return;
  }
  try {
    calibrated(wanted, data.batches);
    FAIL() << "accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("minimum is -"), std::string::npos) << error.what();
  }
}

TEST(SearchProperties, CheapMethodsOnEveryShapeAndMagnitude) {
  std::vector<Data> all_data;
  for (const Shape shape : all_shapes) {
    const double reach = shape == Shape::outlier || shape == Shape::heavy_tail ? 0.005 : 1.0;  // stay finite
    for (const double factor : {1.0, 1e-43, 5e37}) all_data.push_back(data_of(shape, reach * factor));
  }
  for_each_combination({Method::maxmin, Method::percentile, Method::diffs}, [&](const Wanted& wanted) {
    // The round modes share the data shapes among them, but for the plainest.
    for (std::size_t i = 0; i < all_data.size(); ++i) {
      if (i > 5 && i % std::size(all_round_modes) != static_cast<std::size_t>(wanted.round_mode)) continue;
      expect_properties(wanted, all_data[i]);
    }
  });
}

TEST(SearchProperties, HistogramSearches) {
  const Data all_data[] = {data_of(Shape::normal, 1.0),   data_of(Shape::relu, 1e-3),
                           data_of(Shape::outlier, 10.0), data_of(Shape::constant, 1e30),
                           data_of(Shape::sparse, 1e-43), data_of(Shape::negative, 5e37),
                           data_of(Shape::all_zero, 1.0)};
  for_each_combination({Method::entropy, Method::mse}, [&](const Wanted& wanted) {
    for (const Data& data : all_data) expect_properties(wanted, data);
  });
}

TEST(SearchProperties, RoundModeIsForDataOnly) {
  const Data data = data_of(Shape::peaked, 1.0);
  for (const Method method : {Method::mse, Method::entropy, Method::percentile, Method::maxmin}) {
    const ScaleChoice expected = calibrated({.method = method}, data.batches).channels[0];
    for (const RoundMode mode : all_round_modes) {
      EXPECT_EQ(calibrated({.method = method, .round_mode = mode}, data.batches).channels[0], expected);
    }
  }
}

TEST(SearchProperties, AllZeroTensorsGetTwoToTheMinus18) {
  for_each_combination(
      {Method::maxmin, Method::percentile, Method::diffs, Method::entropy, Method::mse},
      [](const Wanted& wanted) {
        SCOPED_TRACE(text_of(wanted));
        const ScaleChoice choice =
            calibrated(wanted, {{std::vector<float>(20, 0.0f)}, {{0.0f, -0.0f}}}).channels[0];
        EXPECT_EQ(choice.scale, 0x1p-18);
        EXPECT_EQ(choice.zero_point, wanted.symmetric ? 0 : expected_range(wanted).qmin);
      });
}

// maxmin clips nothing: every value comes back to within half a step. (Asymmetric zero points are rounded,
// which clips one end by at most half a step.) The quotient and the product add a float32 rounding each of a
// number of x's size (2^-23 |x|, doubled for the rounding of the scale itself).
TEST(SearchProperties, MaxminReconstructsToWithinHalfAStep) {
  std::vector<Data> all_data;
  for (const Shape shape : all_shapes) {
    for (const double factor : {1.0, 1e-30, 1e30}) all_data.push_back(data_of(shape, factor));
  }
  for_each_combination({Method::maxmin}, [&](const Wanted& wanted) {
    for (const Data& data : all_data) {
      if (refused(wanted, data)) continue;
      SCOPED_TRACE(text_of(wanted) + " on " + data.name);
      const TensorOutcome outcome = calibrated(wanted, data.batches);
      const ScaleChoice& choice = outcome.channels[0];
      for (const Batch& batch : data.batches) {
        std::vector<float> output(batch.values.size());
        fake_quantize(batch.values,
                      element_quantizer(choice.scale, choice.zero_point, outcome.settings.range,
                                        outcome.settings.rounding),
                      output);
        for (std::size_t i = 0; i < output.size(); ++i) {
          const double x = batch.values[i];
          ASSERT_NEAR(output[i], x, 0.5 * choice.scale + 0x1p-22 * std::fabs(x)) << "scale " << choice.scale;
        }
      }
    }
  });
}

// 3e38 and the largest float: scales must stay floats even where no power of two covers them.
TEST(SearchProperties, TheLargestFloats) {
  const Data data{
      "huge", {{{largest_float, -3e38f, 1e38f}}, {{-largest_float, 2.0f}}}, -largest_float, largest_float};
  for_each_combination({Method::maxmin, Method::percentile, Method::diffs, Method::entropy, Method::mse},
                       [&](const Wanted& wanted) { expect_properties(wanted, data); });
}

// The message must show even a minimum that six decimals print as zero.
TEST(SearchProperties, RefusalNamesTheMinimum) {
  for (const Method method : all_methods) {
    for (const CalibrationScope scope : all_scopes) {
      try {
        calibrated({.method = method, .sign = Signedness::is_unsigned, .scope = scope},
                   {{{1.0f, -2.5e-9f, 3.0f}}});
        FAIL() << "accepted";
      } catch (const InvalidArgument& error) {
        EXPECT_NE(std::string(error.what()).find("-2.5e-09"), std::string::npos) << error.what();
      }
    }
  }
}

// Clipping methods never reach beyond what the data reach.
TEST(SearchProperties, NoMethodReachesBeyondTheData) {
  for (const Shape shape : {Shape::normal, Shape::heavy_tail, Shape::outlier, Shape::bimodal}) {
    const Batch batch{samples(shape, 5000, 3)};
    const double amax = range_of(batch.values).amax();
    for (const Method method : all_methods) {
      for (const CalibrationScope scope : all_scopes) {
        for (const int bits : {4, 8}) {
          const Wanted wanted{.method = method, .bit_width = bits, .scope = scope};
          const ScaleChoice choice = calibrated(wanted, {batch}).channels[0];
          EXPECT_LE(choice.scale, amax / (std::ldexp(1.0, bits - 1) - 1.0))
              << text_of(wanted) << " " << shape;
          EXPECT_LE(choice.amax, amax * (1.0 + 0x1p-50)) << text_of(wanted) << " " << shape;
        }
      }
    }
  }
}

}  // namespace
}  // namespace qcal::testing
