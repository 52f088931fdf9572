// Whole configurations that vai_q_pytorch accepts and then ignores, or gets wrong: here they mean what they
// say. (tests/search/peer_defects_test.cpp lists them all.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "engine/calibrator.h"
#include "tests/plan/plan_helpers.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

using ::testing::HasSubstr;

// A DPU file with `settings` for activations.
ParsedConfiguration dpu(const std::string& settings, DeviceRules rules = DeviceRules::error) {
  return parse_config(
      R"({"target_device": "DPU", "tensor_quantize_config": {"activation": {"round_mode": "half_up", )" +
          settings + "}}}",
      {.file = "dpu.json", .device_rules = rules});
}

bool says(const ParsedConfiguration& parsed, std::string_view words) {
  return std::any_of(parsed.diagnostics.begin(), parsed.diagnostics.end(), [&](const Diagnostic& diagnostic) {
    return diagnostic.text().find(words) != std::string::npos;
  });
}

TensorParameters calibrated(const Configuration& configuration, const std::vector<float>& values,
                            const Declaration& declaration = {}) {
  Calibrator calibrator(configuration, Backend::cpu());
  calibrator.declare("x", declaration);
  calibrator.observe("x", {values.data(), DType::f32, {static_cast<std::int64_t>(values.size())}, {}, {}});
  return calibrator.finish().tensors.at(0);
}

// There the page demands it and the checker refuses it, and the search ignores it. Here the rule is named,
// and where it is waived the lowest integer is left out.
TEST(PeerConfigurations, NarrowRangeOnTheDpu) {
  EXPECT_FALSE(dpu(R"("narrow_range": true)").ok());
  const ParsedConfiguration waived = dpu(R"("narrow_range": true)", DeviceRules::warn);
  ASSERT_TRUE(waived.ok());
  EXPECT_TRUE(says(waived, "DPU integer range"));
  EXPECT_EQ(calibrated(waived.configuration, {-1.0f, 0.5f}).qmin, -127);
  EXPECT_EQ(calibrated(dpu(R"("narrow_range": false)").configuration, {-1.0f, 0.5f}).qmin, -128);
}

// There: the five-step search of diffs. Here maxmin covers the outlier, at a step of 2 that rounds all else
// to 0; diffs clips it.
TEST(PeerConfigurations, MaxminOnTheDpuIsMaxmin) {
  std::vector<float> values(1'000, 0.4f);
  values.front() = 10.0f;
  const ParsedConfiguration maxmin = dpu(R"("method": "maxmin", "bit_width": 4)", DeviceRules::warn);
  const ParsedConfiguration diffs = dpu(R"("method": "diffs", "bit_width": 4)", DeviceRules::warn);
  ASSERT_TRUE(maxmin.ok() && diffs.ok());
  EXPECT_EQ(calibrated(maxmin.configuration, values).scale[0], 2.0);
  EXPECT_LT(calibrated(diffs.configuration, values).scale[0], 2.0);
}

// There: accepted without effect. Here: a warning, and unsigned integers.
TEST(PeerConfigurations, UnsignedOnTheDpu) {
  const ParsedConfiguration parsed = dpu(R"("signed": false)");
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(says(parsed, "DPU signedness"));
  const TensorParameters parameters = calibrated(parsed.configuration, {0.0f, 200.0f});
  EXPECT_EQ(parameters.qmin, 0);
  EXPECT_EQ(parameters.qmax, 255);
}

// There: an OverflowError, or the tensor stays float.
TEST(PeerConfigurations, SubnormalDataOnTheDpu) {
  for (const char* method : {"maxmin", "diffs"}) {
    const ParsedConfiguration parsed = dpu(std::string(R"("method": ")") + method + "\"");
    const TensorParameters parameters =
        calibrated(parsed.configuration, samples(Shape::normal, 1'000, 7, 1e-41));
    EXPECT_EQ(parameters.scale, std::vector<double>{0x1p-126});
    EXPECT_EQ(parameters.fix_pos, std::vector<int>{126});
  }
}

// There 99 is refused, because it is no float, and 100.0 is taken although the message says "smaller".
TEST(PeerConfigurations, APercentageMayBeWhole) {
  const std::vector<float> values = samples(Shape::normal, 4'000, 1);
  for (const std::string percentage : {"99", "99.0", "100", "100.0"}) {
    const Configuration whole =
        configuration(R"("tensor_quantize_config": {"activation": {"method": "percentile", "percentage": )" +
                      percentage + "}}");
    const double amax = calibrated(whole, values).amax[0];
    const double largest = calibrated(configuration(R"("keep_add_layer_accuracy": false)"), values).amax[0];
    EXPECT_EQ(amax == largest, percentage.starts_with("100")) << percentage;
  }
}

// There: one more quantizer, at the weights' width, which the entry of all inputs takes over.
TEST(PeerConfigurations, WeightsLeaveTheWidthOfInputsAlone) {
  const std::string network = "rn_digits/rn_digits.ts.op17.fold.onnx";
  const QuantizationPlan plain = plan_of(network, configuration(R"("keep_add_layer_accuracy": false)"));
  const QuantizationPlan narrow =
      plan_of(network, configuration(R"("tensor_quantize_config": {"weights": {"bit_width": 4}})"));
  ASSERT_EQ(narrow.tensors.size(), plain.tensors.size());
  for (std::size_t i = 0; i < plain.tensors.size(); ++i) {
    const PlannedTensor& tensor = narrow.tensors[i];
    EXPECT_EQ(tensor.name, plain.tensors[i].name);
    EXPECT_EQ(tensor.settings.bit_width.value, tensor.role == Role::weights ? 4 : 8) << tensor.name;
  }
}

// Parameters are calibrated once: whatever the statistic, it is over one value.
TEST(PeerConfigurations, ParametersHaveNoStatistic) {
  const std::vector<float> weights = samples(Shape::peaked, 500, 1);
  for (const std::string statistic : {"modal", "max", "mean", "median"}) {
    const Configuration own = configuration(
        R"("tensor_quantize_config": {"weights": {"calib_statistic_method": ")" + statistic + "\"}}");
    EXPECT_EQ(
        calibrated(own, weights, {.role = Role::weights}).scale,
        calibrated(configuration(R"("keep_add_layer_accuracy": false)"), weights, {.role = Role::weights})
            .scale);
  }
}

}  // namespace
}  // namespace qcal::testing
