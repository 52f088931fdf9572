// Combinations that vai_q_pytorch accepts and then gets wrong, or refuses for want of an implementation: in
// the standard preset each of them calibrates, and quantizes well.
//
// What the peer gets wrong, and the test that shows it right. PeerDefects are below, PeerConfigurations in
// tests/engine/peer_configurations_test.cpp; the rest is in tests/config.
//
//   mse with other round modes than half_even    PeerDefects.MseWorksWithEveryRoundMode
//   per channel, unsigned, no negative weight    PeerDefects.UnsignedPerChannelWeights
//   per channel, unsigned, a negative weight     PeerDefects.UnsignedPerChannelWeightsWithANegativeAreRefused
//   per channel, zero points above 127           PeerDefects.PerChannelZeroPointsAbove127
//   per channel, transposed convolution (axis 1) PeerDefects.ChannelsOfAnyAxisGetTheirOwnScales
//   per channel, one output channel              PeerDefects.OneOutputChannel
//   any method, unsigned, a negative value       PeerDefects.UnsignedWithNegativesIsRefusedByEveryMethod
//   asymmetric, constant tensor                  PeerDefects.AsymmetricConstantTensors
//   asymmetric, data not spanning zero           PeerDefects.AsymmetricDataFarFromZero
//   asymmetric signed                            PeerDefects.AsymmetricSignedIsSigned
//   asymmetric percentile                        PeerDefects.HistogramMethodsMayBeAsymmetric
//   narrow_range on DPU                          PeerConfigurations.NarrowRangeOnTheDpu
//   maxmin on DPU                                PeerConfigurations.MaxminOnTheDpuIsMaxmin
//   unsigned on DPU                              PeerConfigurations.UnsignedOnTheDpu
//   DPU layer entry without activation and bias  GoldenVectors, layer_roles_unlisted
//   percentage 99, and 100                       PeerConfigurations.APercentageMayBeWhole
//   percentage that an override does not repeat  GoldenVectors, percentage_inherited
//   weights of another width than their input    PeerConfigurations.WeightsLeaveTheWidthOfInputsAlone
//   quantizable_data_type of the model           Calibrator.RolesOutsideQuantizableDataTypeStayFloat
//   statistic of weights and bias, illegal       GoldenVectors, statistic_of_parameters
//   statistic of weights and bias, legal         PeerConfigurations.ParametersHaveNoStatistic
//   bit_width 0 and 1                            GoldenVectors, bit_width_0 and bit_width_1
//   bit_width 32                                 PeerDefects.ThirtyTwoBitsDoNotWrap
//   power of two, magnitudes near 1e30           PeerDefects.PowersOfTwoOfHugeMagnitudes
//   power of two, subnormal data                 PeerDefects.PowersOfTwoOfSubnormalData
//   power of two, subnormal data on DPU          PeerConfigurations.SubnormalDataOnTheDpu
//   accumulated, first batch zero                PeerDefects.AccumulatingAfterABatchOfZeros
//   accumulated, growing ranges                  PeerDefects.AccumulatingOverGrowingRanges
//   FLEXML or an unknown target                  ParseConfig.unknown_targets_are_refused
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/error.h"
#include "kernels/fake_quantize.h"
#include "tests/search/calibration_support.h"

namespace qcal::testing {
namespace {

// Relative rms error of quantizing `batch` with the outcome's parameters. Its channels, where there are any,
// have runs of `inner` elements; by default each is one run.
double relative_error(const TensorOutcome& outcome, const Batch& batch, std::size_t inner = 0) {
  const std::size_t channels = outcome.channels.size();
  if (inner == 0) inner = batch.values.size() / channels;
  double error = 0.0;
  double signal = 0.0;
  for (std::size_t run = 0; run < batch.values.size() / inner; ++run) {
    const ScaleChoice& choice = outcome.channels[run % channels];
    const auto values = std::span(batch.values).subspan(run * inner, inner);
    std::vector<float> output(inner);
    fake_quantize(
        values,
        element_quantizer(choice.scale, choice.zero_point, outcome.settings.range, outcome.settings.rounding),
        output);
    for (std::size_t i = 0; i < inner; ++i) {
      const double x = values[i];
      error += (x - output[i]) * (x - output[i]);
      signal += x * x;
    }
  }
  return std::sqrt(error / signal);
}

// Eight bits over a normal distribution cut at 6 sigma: a step of 6/127 sigma, so an rms error of
// step/sqrt(12) = 1.4 % of the rms value. Twice that is a defect; the peer's defects are beyond 5 %.
constexpr double good_error = 0.028;

Batch normal_batch(std::uint64_t seed = 1) {
  return {samples(Shape::normal, 4'000, seed)};
}

Batch positive_batch(std::vector<std::int64_t> shape = {4'000}) {
  Batch batch{samples(Shape::normal, 4'000, 2), std::move(shape)};
  for (float& x : batch.values) x = std::fabs(x);
  return batch;
}

// There: only half_even runs, the others end in a TypeError.
TEST(PeerDefects, MseWorksWithEveryRoundMode) {
  const Batch batch{normal_batch().values, {8, 500}};
  for (const RoundMode mode : all_round_modes) {
    for (const CalibrationScope scope : all_scopes) {
      for (const std::optional<int> axis : {std::optional<int>(), std::optional(0)}) {
        const TensorOutcome outcome =
            calibrated({.method = Method::mse, .round_mode = mode, .scope = scope, .axis = axis}, {batch});
        EXPECT_LT(relative_error(outcome, batch), good_error);
      }
    }
  }
}

// There: the maximum and minimum change places and the run ends.
TEST(PeerDefects, UnsignedPerChannelWeights) {
  const Batch batch = positive_batch({8, 500});
  for (const Method method : all_methods) {
    const TensorOutcome outcome =
        calibrated({.method = method, .sign = Signedness::is_unsigned, .axis = 0}, {batch});
    EXPECT_EQ(outcome.settings.range, (IntegerRange{0, 255}));
    EXPECT_LT(relative_error(outcome, batch), good_error);
  }
}

// There: silently calibrated as signed, and in the exported model negative weights become 0.
TEST(PeerDefects, UnsignedPerChannelWeightsWithANegativeAreRefused) {
  Batch batch = positive_batch({8, 500});
  batch.values[3000] = -0.25f;
  try {
    calibrated({.sign = Signedness::is_unsigned, .axis = 0}, {batch});
    FAIL() << "accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("-0.25"), std::string::npos);
  }
}

// There: zero points above 127 wrap to int8.
TEST(PeerDefects, PerChannelZeroPointsAbove127) {
  Batch batch{samples(Shape::normal, 4'000, 3), {8, 500}};
  for (float& x : batch.values) x = x > 1.0f ? 1.0f : x;  // mostly negative
  const TensorOutcome outcome =
      calibrated({.symmetric = false, .sign = Signedness::is_unsigned, .axis = 0}, {batch});
  for (const ScaleChoice& choice : outcome.channels) EXPECT_GT(choice.zero_point, 127);
  EXPECT_LT(relative_error(outcome, batch), good_error);
}

// There: the channels of a transposed convolution (axis 1) are quantized with each other's scales.
TEST(PeerDefects, ChannelsOfAnyAxisGetTheirOwnScales) {
  constexpr std::size_t inputs = 5, outputs = 3, taps = 9;
  Batch batch{samples(Shape::normal, inputs * outputs * taps, 4), {inputs, outputs, taps}};
  std::vector<float> amax(outputs);
  for (std::size_t i = 0; i < batch.values.size(); ++i) {
    const std::size_t channel = i / taps % outputs;
    batch.values[i] *= std::ldexp(1.0f, 4 * static_cast<int>(channel));
    amax[channel] = std::max(amax[channel], std::fabs(batch.values[i]));
  }
  for (const ScaleType type : all_scale_types) {
    const TensorOutcome outcome = calibrated({.scale_type = type, .axis = 1}, {batch});
    ASSERT_EQ(outcome.channels.size(), outputs);
    for (std::size_t c = 0; c < outputs; ++c) EXPECT_EQ(outcome.channels[c].amax, amax[c]);
    EXPECT_LT(relative_error(outcome, batch, taps), good_error);
  }
}

// There: an IndexError.
TEST(PeerDefects, OneOutputChannel) {
  const Batch batch{samples(Shape::normal, 4'000, 5), {1, 4'000}};
  for (const Method method : all_methods) {
    for (const bool symmetric : {true, false}) {
      const TensorOutcome outcome =
          calibrated({.method = method, .symmetric = symmetric, .axis = 0}, {batch});
      ASSERT_EQ(outcome.channels.size(), 1u);
      EXPECT_LT(relative_error(outcome, batch), good_error);
    }
  }
}

// There: a TypeError for maxmin, perhaps on the thousandth batch; the other methods calibrate on magnitudes
// and clip the negative values away.
TEST(PeerDefects, UnsignedWithNegativesIsRefusedByEveryMethod) {
  for (const Method method : all_methods) {
    for (const CalibrationScope scope : all_scopes) {
      EXPECT_THROW(calibrated({.method = method, .sign = Signedness::is_unsigned, .scope = scope},
                              {positive_batch(), normal_batch()}),
                   InvalidArgument);
    }
  }
}

// There: a ZeroDivisionError.
TEST(PeerDefects, AsymmetricConstantTensors) {
  for (const Method method : all_methods) {
    for (const CalibrationScope scope : all_scopes) {
      for (const float constant : {0.0f, 0.7f, -0.7f, smallest_subnormal}) {
        for (const std::size_t size : {std::size_t{1}, std::size_t{100}}) {
          const Batch batch{std::vector<float>(size, constant)};
          const TensorOutcome outcome =
              calibrated({.method = method, .symmetric = false, .scope = scope}, {batch});
          const ScaleChoice& choice = outcome.channels[0];
          EXPECT_GT(choice.scale, 0.0);
          if (std::fabs(constant) < 0.5f) continue;
          // Percentile interpolates in the outermost bin, dyadic bins are up to 1/1024 wide; diffs may take a
          // finer scale; 255 levels are left either way.
          EXPECT_LT(relative_error(outcome, batch), 0.01) << constant;
        }
      }
    }
  }
}

// There: a zero point outside the integers, so that real 0 does not exist.
TEST(PeerDefects, AsymmetricDataFarFromZero) {
  for (const Shape shape : {Shape::positive, Shape::negative}) {
    for (const CalibrationScope scope : all_scopes) {
      const Batch batch{samples(shape, 4'000, 6)};
      const TensorOutcome outcome = calibrated({.symmetric = false, .scope = scope}, {batch});
      EXPECT_EQ(outcome.channels[0].zero_point, shape == Shape::positive ? -128 : 127);
      EXPECT_LT(relative_error(outcome, batch), good_error);
    }
  }
}

// There: [0, 255] whatever `signed` says.
TEST(PeerDefects, AsymmetricSignedIsSigned) {
  const TensorOutcome outcome = calibrated({.symmetric = false}, {normal_batch()});
  EXPECT_EQ(outcome.settings.range, (IntegerRange{-128, 127}));
  EXPECT_LT(std::abs(outcome.channels[0].zero_point), 20);
}

// There: refused.
TEST(PeerDefects, HistogramMethodsMayBeAsymmetric) {
  Batch batch = normal_batch();
  for (float& x : batch.values) x += 2.0f;
  for (const Method method : {Method::percentile, Method::mse, Method::entropy, Method::diffs}) {
    for (const CalibrationScope scope : all_scopes) {
      const TensorOutcome outcome = calibrated(
          {.method = method, .symmetric = false, .sign = Signedness::is_unsigned, .scope = scope}, {batch});
      EXPECT_LT(relative_error(outcome, batch), good_error) << static_cast<int>(method);
    }
  }
}

// There: the threshold is the lower edge of its bin, so that even 100 percent clips.
TEST(PeerDefects, AHundredPercentIsMaxmin) {
  for (const CalibrationScope scope : all_scopes) {
    EXPECT_EQ(
        calibrated({.method = Method::percentile, .scope = scope, .percentage = 100.0}, {normal_batch()})
            .channels,
        calibrated({.scope = scope}, {normal_batch()}).channels);
  }
}

// There: at 32 bits the largest value comes back as its negative.
TEST(PeerDefects, ThirtyTwoBitsDoNotWrap) {
  const Batch batch{{1.0f, -1.0f, 0.3f}};
  EXPECT_LT(relative_error(calibrated({.bit_width = 32}, {batch}), batch), 1e-6);
}

// There: an AttributeError in the statistic.
TEST(PeerDefects, PowersOfTwoOfHugeMagnitudes) {
  for (const Method method : all_methods) {
    const Batch batch{samples(Shape::normal, 4'000, 7, 1e30)};
    const Wanted wanted{
        .method = method, .scale_type = ScaleType::power_of_two, .statistic = BatchStatistic::modal};
    EXPECT_LT(relative_error(calibrated(wanted, {batch, batch, batch}), batch), good_error);
  }
}

// There: an OverflowError, an infinite scale, or a tensor left in float, depending on the path.
TEST(PeerDefects, PowersOfTwoOfSubnormalData) {
  for (const Method method : all_methods) {
    for (const CalibrationScope scope : all_scopes) {
      const Batch batch{samples(Shape::normal, 4'000, 7, 1e-41), {8, 500}};
      for (const std::optional<int> axis : {std::optional<int>(), std::optional(0)}) {
        const Wanted wanted{
            .method = method, .scale_type = ScaleType::power_of_two, .scope = scope, .axis = axis};
        for (const ScaleChoice& choice : calibrated(wanted, {batch}).channels)
          EXPECT_EQ(choice.scale, 0x1p-126);  // the smallest scale there is
      }
    }
  }
}

// There: an OverflowError, because the bins of a tensor of zeros have no width.
TEST(PeerDefects, AccumulatingAfterABatchOfZeros) {
  const Batch zeros{std::vector<float>(4'000, 0.0f)};
  for (const Method method : all_methods) {
    for (const bool symmetric : {true, false}) {
      const Wanted wanted{.method = method, .symmetric = symmetric, .scope = CalibrationScope::accumulated};
      const TensorOutcome after = calibrated(wanted, {zeros, normal_batch()});
      EXPECT_EQ(after.channels, calibrated(wanted, {normal_batch(), zeros}).channels);
      EXPECT_LT(relative_error(after, normal_batch()), good_error) << static_cast<int>(method);
    }
  }
}

// There: bins multiply with the range, and the quadratic search takes minutes. Here their number is fixed, so
// the result is that of one batch, whatever the first range was.
TEST(PeerDefects, AccumulatingOverGrowingRanges) {
  std::vector<Batch> growing;
  std::vector<float> all;
  for (int i = 0; i < 5; ++i) {
    growing.push_back({samples(Shape::normal, 4'000, static_cast<std::uint64_t>(i), std::pow(40.0, i))});
    all.insert(all.end(), growing.back().values.begin(), growing.back().values.end());
  }
  for (const Method method : all_methods) {
    const Wanted wanted{.method = method, .scope = CalibrationScope::accumulated};
    EXPECT_EQ(calibrated(wanted, growing).channels, calibrated(wanted, {{all}}).channels);
  }
}

// There: the same batches in another order give other parameters.
TEST(PeerDefects, AccumulatingInAnyOrder) {
  const std::vector<Batch> batches = {{samples(Shape::normal, 900, 1, 0.3)},
                                      {samples(Shape::normal, 900, 2, 7.0)}};
  for (const Method method : all_methods) {
    const Wanted wanted{.method = method, .scope = CalibrationScope::accumulated};
    EXPECT_EQ(calibrated(wanted, batches).channels, calibrated(wanted, {batches[1], batches[0]}).channels);
  }
}

// There: bins stop counting at 2^24 in float32. (One tensor of 2^24 + 2^22 equal values, counted in batches.)
TEST(PeerDefects, CountersDoNotSaturate) {
  const Wanted wanted{
      .method = Method::percentile, .scope = CalibrationScope::accumulated, .percentage = 90.0};
  TensorCalibration calibration = calibration_of(wanted);
  const Batch ones{std::vector<float>(std::size_t{1} << 20, 1.0f)};
  const Batch twos{std::vector<float>(std::size_t{1} << 20, 2.0f)};
  // 20 parts of ones against 2 of twos: 90 % are ones. A counter stuck at 16 parts would say 16 of 18, 89 %.
  std::int64_t index = 0;
  for (int i = 0; i < 20; ++i) calibration.observe(view_of(ones), index++, {});
  for (int i = 0; i < 2; ++i) calibration.observe(view_of(twos), index++, {});
  EXPECT_LT(calibration.finish().channels[0].amax, 1.01);
}

}  // namespace
}  // namespace qcal::testing
