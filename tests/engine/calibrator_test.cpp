// The library's front door: what it accepts, what it refuses, and in which words.
#include "engine/calibrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "tests/reference/test_data.h"
#include "tests/support/refusal.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Configuration cpu_configuration() {
  const ParsedConfiguration parsed =
      parse_config(R"({
    "target_device": "CPU",
    "quantizable_data_type": ["input", "weights", "bias", "activation"],
    "overall_quantize_config": {"bit_width": 8, "method": "maxmin", "round_mode": "half_even", "symmetry": true,
      "per_channel": false, "signed": true, "narrow_range": false, "scale_type": "float",
      "calib_statistic_method": "max"},
    "tensor_quantize_config": {"bias": {"bit_width": 32}, "weights": {"per_channel": true}}
  })",
                   {"config.json", Compatibility::standard, DeviceRules::error});
  EXPECT_TRUE(parsed.ok());
  return parsed.configuration;
}

TensorView view(const std::vector<float>& values, std::vector<std::int64_t> shape) {
  return {values.data(), DType::f32, std::move(shape), Memory::host, {}};
}

TEST(Calibrator, FindsTheScaleOfTheLargestMagnitude) {
  Calibrator calibrator(cpu_configuration(), Backend::automatic());
  calibrator.declare("x", {});
  const std::vector<float> first{-2.0f, 1.0f};
  const std::vector<float> second{3.0f, 0.0f};
  calibrator.observe("x", view(first, {2}));
  calibrator.observe("x", view(second, {1, 2}));
  const QuantizationParameters parameters = calibrator.finish();
  ASSERT_EQ(parameters.tensors.size(), 1u);
  EXPECT_EQ(parameters.tensors[0].scale, std::vector<double>{3.0 / 127.0});
  EXPECT_EQ(parameters.tensors[0].zero_point, std::vector<std::int64_t>{0});
  EXPECT_EQ(parameters.tensors[0].batches, 2);
  EXPECT_EQ(parameters.tensors[0].elements, 4u);
  EXPECT_EQ(parameters.tensors[0].per_batch.scale,
            (std::vector<std::vector<double>>{{2.0 / 127.0}, {3.0 / 127.0}}));
}

TEST(Calibrator, BiasOf32BitsTakesTheProductOfItsFactorsScales) {
  Calibrator calibrator(cpu_configuration(), Backend::cpu());
  calibrator.declare("in", {.role = Role::input});
  calibrator.declare("w", {.role = Role::weights, .channel_axis = 0});
  calibrator.declare("b", {.role = Role::bias, .bias_factors = BiasFactors{"in", "w"}});
  const std::vector<float> input{1.27f, -0.5f};
  const std::vector<float> weights{0.5f, -1.0f, 2.0f, 0.25f};
  const std::vector<float> bias{0.1f, 0.2f};
  calibrator.observe("in", view(input, {2}));
  calibrator.observe("w", view(weights, {2, 2}));
  calibrator.observe("b", view(bias, {2}));
  const QuantizationParameters parameters = calibrator.finish();
  const TensorParameters& b = parameters.tensors[2];
  const auto input_scale = static_cast<float>(static_cast<double>(1.27f) / 127.0);
  EXPECT_EQ(b.scale, (std::vector<double>{input_scale * static_cast<float>(1.0 / 127.0),
                                          input_scale * static_cast<float>(2.0 / 127.0)}));
  EXPECT_EQ(b.qmin, -2147483648);
  EXPECT_EQ(b.qmax, 2147483647);
  EXPECT_EQ(b.granularity, Granularity::per_channel);
}

TEST(Calibrator, AutomaticSignFollowsTheData) {
  Configuration configuration = cpu_configuration();
  configuration.tensor_settings[Role::activation].is_signed.value = Signedness::automatic;
  for (const CalibrationScope scope : {CalibrationScope::per_batch, CalibrationScope::accumulated}) {
    configuration.tensor_settings[Role::activation].calib_scope.value = scope;
    Calibrator calibrator(configuration, Backend::cpu());
    calibrator.declare("relu", {});
    calibrator.declare("conv", {});
    const std::vector<float> positive{0.0f, 2.55f};
    const std::vector<float> negative{-1.27f, 0.0f};
    calibrator.observe("relu", view(positive, {2}));
    calibrator.observe("conv", view(positive, {2}));
    calibrator.observe("conv", view(negative, {2}));
    const QuantizationParameters parameters = calibrator.finish();
    EXPECT_FALSE(parameters.tensors[0].is_signed);
    EXPECT_EQ(parameters.tensors[0].qmax, 255);
    EXPECT_EQ(parameters.tensors[0].scale[0], static_cast<double>(2.55f) / 255.0);
    EXPECT_TRUE(parameters.tensors[1].is_signed);
    EXPECT_EQ(parameters.tensors[1].scale[0], static_cast<double>(2.55f) / 127.0);
  }
}

TEST(Calibrator, LayersAreFoundByVaiQPytorchNamesWhereTheModulePathIsGiven) {
  LoadedConfiguration loaded = read_config_with_warnings(R"({
    "target_device": "CPU",
    "layer_quantize_config": [{"layer_name": "Net::Net/Sequential[layer1]/Conv2d[conv]/input.2",
      "quantizable_data_type": ["activation"], "overall_quantize_config": {"bit_width": 4}}]
  })",
                                                         "in memory");
  Calibrator calibrator(loaded.configuration, Backend::cpu());
  calibrator.declare("named", {.layer_type = "Conv2d", .module_path = "layer1.conv"});
  calibrator.declare("other", {.layer_type = "Conv2d", .module_path = "layer2.conv"});
  const std::vector<float> values{1.0f, 2.0f};
  for (const char* name : {"named", "other"}) calibrator.observe(name, view(values, {2}));
  const QuantizationParameters parameters = calibrator.finish();
  EXPECT_EQ(parameters.tensors[0].bit_width, 4);
  EXPECT_EQ(parameters.tensors[1].bit_width, 8);
}

TEST(Calibrator, DeviceMemoryNeedsADevicesBackEnd) {
  Calibrator calibrator(cpu_configuration(), Backend::cpu());
  calibrator.declare("x", {});
  const std::vector<float> values{1.0f};
  EXPECT_THAT(refusal([&] {
                calibrator.observe("x", {values.data(), DType::f32, {1}, Memory::device, {}});
              }),
              AllOf(HasSubstr("\"x\""), HasSubstr("device memory"), HasSubstr("cpu: asked for")));
}

TEST(Calibrator, RolesOutsideQuantizableDataTypeStayFloat) {
  Configuration configuration = cpu_configuration();
  configuration.quantizable[Role::activation].value = false;
  Calibrator calibrator(configuration, Backend::cpu());
  calibrator.declare("x", {});
  const std::vector<float> values{1.0f};
  calibrator.observe("x", view(values, {1}));
  const QuantizationParameters parameters = calibrator.finish();
  EXPECT_EQ(parameters.tensors[0].datatype, Datatype::float32);
  EXPECT_TRUE(parameters.tensors[0].scale.empty());
}

TEST(Calibrator, RefusalsNameTensorAndBatch) {
  const std::vector<float> values{1.0f, 2.0f};
  const std::vector<float> broken{1.0f, std::numeric_limits<float>::quiet_NaN()};
  Calibrator calibrator(cpu_configuration(), Backend::cpu());
  calibrator.declare("x", {});
  EXPECT_THAT(refusal([&] { calibrator.declare("x", {}); }), HasSubstr("\"x\" was already declared"));
  EXPECT_THAT(refusal([&] { calibrator.declare("w", {.role = Role::weights}); }),
              AllOf(HasSubstr("\"w\""), HasSubstr("channel axis")));
  EXPECT_THAT(refusal([&] { calibrator.observe("y", view(values, {2})); }),
              HasSubstr("\"y\" was not declared"));
  calibrator.observe("x", view(values, {2}), {}, 4);
  EXPECT_THAT(refusal([&] { calibrator.observe("x", view(values, {2}), {}, 4); }),
              AllOf(HasSubstr("\"x\""), HasSubstr("batch 4"), HasSubstr("already observed")));
  EXPECT_THAT(refusal([&] { calibrator.observe("x", view(broken, {2})); }),
              AllOf(HasSubstr("\"x\", batch 5"), HasSubstr("NaN")));
  calibrator.declare("never", {});
  EXPECT_THAT(refusal([&] { calibrator.finish(); }), AllOf(HasSubstr("\"never\""), HasSubstr("no batch")));
}

TEST(Calibrator, AccumulatedTensorsReportNonFiniteBatchesWhenTheyFinish) {
  Configuration configuration = cpu_configuration();
  configuration.tensor_settings[Role::activation].calib_scope.value = CalibrationScope::accumulated;
  const std::vector<float> values{1.0f, 2.0f};
  const std::vector<float> broken{1.0f, std::numeric_limits<float>::infinity()};
  Calibrator strict(configuration, Backend::cpu());
  strict.declare("x", {});
  strict.observe("x", view(values, {2}), {}, 10);
  strict.observe("x", view(broken, {2}), {}, 11);
  EXPECT_THAT(refusal([&] { strict.finish(); }),
              AllOf(HasSubstr("\"x\""), HasSubstr("batch 11 holds 1 NaN or inf")));

  for (const NonFinite policy : {NonFinite::skip, NonFinite::ignore}) {
    Calibrator lenient(configuration, Backend::cpu(), {policy});
    lenient.declare("x", {});
    const std::vector<float> large{5.0f, std::numeric_limits<float>::infinity()};
    lenient.observe("x", view(values, {2}));
    lenient.observe("x", view(large, {2}));
    const QuantizationParameters parameters = lenient.finish();
    EXPECT_EQ(parameters.tensors[0].non_finite, 1u);
    EXPECT_EQ(parameters.tensors[0].amax[0], policy == NonFinite::skip ? 2.0 : 5.0);
  }
}

TEST(Calibrator, UnsignedSymmetricRefusesNegativesByNameAndMinimum) {
  Configuration configuration = cpu_configuration();
  configuration.tensor_settings[Role::activation].is_signed.value = Signedness::is_unsigned;
  Calibrator calibrator(configuration, Backend::cpu());
  calibrator.declare("x", {});
  const std::vector<float> values{-0.25f, 2.0f};
  EXPECT_THAT(refusal([&] { calibrator.observe("x", view(values, {2})); }),
              AllOf(HasSubstr("\"x\""), HasSubstr("-0.25"), HasSubstr("signed")));
}

TEST(Calibrator, DifferentTensorsMayBeObservedFromDifferentThreads) {
  constexpr int tensors = 4;
  constexpr int batches = 50;
  const std::vector<float> values = samples(Shape::normal, 5000, 3);
  const auto run = [&](bool threaded) {
    Calibrator calibrator(cpu_configuration(), Backend::cpu());
    for (int t = 0; t < tensors; ++t) calibrator.declare("t" + std::to_string(t), {});
    std::vector<std::thread> threads;
    for (int t = 0; t < tensors; ++t) {
      const auto feed = [&calibrator, &values, t] {
        for (int batch = 0; batch < batches; ++batch) {
          calibrator.observe("t" + std::to_string(t), view(values, {5000}));
        }
      };
      if (threaded) {
        threads.emplace_back(feed);
      } else {
        feed();
      }
    }
    for (std::thread& thread : threads) thread.join();
    return calibrator.finish();
  };
  EXPECT_EQ(run(true), run(false));
}

}  // namespace
}  // namespace qcal::testing
