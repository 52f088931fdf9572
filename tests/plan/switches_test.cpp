// Model-level switches of the configuration, and parameters that layers share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/plan/plan_helpers.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string model = "rn_digits/rn_digits.ts.op17.fold.onnx";

std::vector<std::string> in_float(const QuantizationPlan& plan) {
  std::vector<std::string> names;
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.settings.datatype.value != Datatype::integer) names.push_back(tensor.name);
  }
  return names;
}

TEST(Switches, QuantizableDataTypeLeavesRolesOut) {
  Configuration configuration = testing::configuration("");
  configuration.quantizable[Role::bias].value = false;
  configuration.quantizable[Role::input].value = false;
  const QuantizationPlan plan = testing::plan_of(model, configuration);
  for (const PlannedTensor& tensor : plan.tensors) {
    EXPECT_NE(tensor.role, Role::bias);
    EXPECT_NE(tensor.role, Role::input);
  }
  EXPECT_EQ(plan.tensors.size(), 24U);
}

TEST(Switches, KeepFirstAndLast) {
  Configuration configuration = testing::configuration("");
  configuration.keep_first_last_layer_accuracy = {true, {"keep_first_last_layer_accuracy", "c.json", 3, 5}};
  const QuantizationPlan plan = testing::plan_of(model, configuration);
  EXPECT_THAT(in_float(plan), ElementsAre("input", "onnx::Conv_89", "onnx::Conv_90", "/relu/Relu_output_0",
                                          "fc.weight", "fc.bias", "logits"));
  EXPECT_THAT(plan.tensors[0].settings.datatype.source.text(), HasSubstr("c.json:3:5"));
  EXPECT_THAT(tensors_to_record(plan), Not(Contains("input")));
  EXPECT_EQ(std::ranges::count(plan.notes, "keep_first_last_layer_accuracy", &PlanNote::subject), 1);
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.name == "onnx::Conv_93") {
      EXPECT_FALSE(tensor.bias_factors) << "its input has no scale";
    }
  }
}

TEST(Switches, KeepAdd) {
  Configuration configuration = testing::configuration("");
  configuration.keep_add_layer_accuracy = {true, {}};
  EXPECT_THAT(in_float(testing::plan_of(model, configuration)),
              ElementsAre("/layer1/layer1.0/relu_1/Relu_output_0", "/layer2/layer2.0/relu_1/Relu_output_0",
                          "/layer3/layer3.0/relu_1/Relu_output_0"));
}

TEST(Switches, TransformsAreReportedOnce) {
  Configuration configuration = testing::configuration("");
  configuration.include_cle.value = true;
  configuration.convert_relu6_to_relu.value = true;
  const QuantizationPlan plan = testing::plan_of(model, configuration);
  std::vector<std::string> statuses;
  for (const TransformStatus& transform : plan.transforms)
    statuses.push_back(transform.name + ' ' + transform.status);
  EXPECT_THAT(statuses, ElementsAre("convert_relu6_to_relu not applied", "include_cle not applied",
                                    "include_bias_corr off"));
  for (const char* key : {"convert_relu6_to_relu", "include_cle"}) {
    EXPECT_EQ(std::ranges::count(plan.notes, key, &PlanNote::subject), 1) << key;
  }
  EXPECT_EQ(plan.notes.size(), 2U);
}

TEST(Switches, VitisInputsTakeTheActivationSettings) {
  Configuration configuration = testing::configuration(
      R"("tensor_quantize_config": {"input": {"bit_width": 5}, "activation": {"bit_width": 6}})");
  EXPECT_EQ(testing::plan_of(model, configuration).tensors[0].settings.bit_width.value, 5);
  configuration.compatibility = Compatibility::vitis;
  EXPECT_EQ(testing::plan_of(model, configuration).tensors[0].settings.bit_width.value, 6);
}

Graph two_layers_with_one_weight() {
  return normalise(GraphBuilder()
                       .input("x", {-1, 2, 4, 4})
                       .ramp("w", {2, 2, 1, 1})
                       .ramp("b", {2})
                       .node("Conv", {"x", "w", "b"}, {"c"})
                       .node("Conv", {"c", "w", "b"}, {"d"})
                       .node("Conv", {"d", "w", "b"}, {"y"})
                       .output("y")
                       .build());
}

std::vector<std::string> names(const QuantizationPlan& plan) {
  std::vector<std::string> result;
  for (const PlannedTensor& tensor : plan.tensors) result.push_back(tensor.name);
  return result;
}

TEST(SharedParameters, AreInThePlanOnce) {
  const QuantizationPlan plan = make_plan(two_layers_with_one_weight(), testing::configuration(""));
  EXPECT_THAT(names(plan), ElementsAre("x", "w", "b", "c", "d", "y"));
  EXPECT_THAT(plan.tensors[1].readers, ElementsAre("c", "d", "y"));
  // Each of its readers shows it, whoever owns it.
  EXPECT_THAT(names(plan_of_layer(plan, "c")), ElementsAre("w", "b", "c"));
  EXPECT_THAT(names(plan_of_layer(plan, "d")), ElementsAre("w", "b", "d"));
  EXPECT_THAT(names(plan_of_layer(plan, "none")), ::testing::IsEmpty());
}

TEST(SharedParameters, WithDifferentSettingsAreDecoupled) {
  const QuantizationPlan plan =
      make_plan(two_layers_with_one_weight(),
                testing::configuration(
                    R"("layer_quantize_config": [{"layer_name": "d", "quantizable_data_type": ["weights"],
                                 "overall_quantize_config": {"bit_width": 4}}])"));
  EXPECT_THAT(names(plan), ElementsAre("x", "w", "b", "c", "w@d", "d", "y"));
  EXPECT_THAT(plan.tensors[1].readers, ElementsAre("c", "y"));
  EXPECT_EQ(plan.tensors[4].decoupled_from, "w");
  EXPECT_EQ(plan.tensors[4].settings.bit_width.value, 4);
  EXPECT_EQ(std::ranges::count(plan.notes, "w", &PlanNote::subject), 1);
}

TEST(SharedParameters, WideBiasesFollowTheirOwnFactors) {
  const QuantizationPlan plan =
      make_plan(two_layers_with_one_weight(),
                testing::configuration(R"("tensor_quantize_config": {"bias": {"bit_width": 32}})"));
  EXPECT_THAT(names(plan), ElementsAre("x", "w", "b", "c", "b@d", "d", "b@y", "y"));
  EXPECT_EQ(plan.tensors[2].bias_factors->input, "x");
  EXPECT_EQ(plan.tensors[4].bias_factors->input, "c");
}

}  // namespace
}  // namespace qcal
