#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/plan/plan_text.h"
#include "tests/plan/plan_helpers.h"

namespace qcal {
namespace {

using ::testing::HasSubstr;
using testing::plan_of;
using testing::signature;

std::size_t count(const QuantizationPlan& plan, Role role, const std::string& type) {
  return static_cast<std::size_t>(std::ranges::count_if(plan.tensors, [&](const PlannedTensor& tensor) {
    return tensor.role == role && tensor.layer_type == type;
  }));
}

TEST(Spellings, ResNetPlansAlike) {
  const QuantizationPlan plan = plan_of("rn_digits/rn_digits.ts.op13.bn.onnx");
  for (const char* other : {"ts.op17.fold", "dyn.op18.bn", "dyn.op18.fold"}) {
    EXPECT_EQ(signature(plan_of(std::string("rn_digits/rn_digits.") + other + ".onnx")), signature(plan))
        << other;
  }
  EXPECT_EQ(plan.tensors.size(), 35U);
  EXPECT_EQ(count(plan, Role::weights, "Conv2d"), 9U);
  EXPECT_EQ(count(plan, Role::bias, "Conv2d"), 9U);
  EXPECT_EQ(count(plan, Role::activation, "Conv2d"), 9U);
  EXPECT_EQ(count(plan, Role::activation, "Add"), 3U);
  EXPECT_EQ(count(plan, Role::activation, "AdaptiveAvgPool2d"), 1U);
  EXPECT_EQ(count(plan, Role::activation, "Linear"), 1U);
}

TEST(Spellings, MobileNetPlansAlike) {
  const QuantizationPlan plan = plan_of("mbv2_digits/mbv2_digits.ts.op13.bn.onnx");
  for (const char* other : {"ts.op17.fold", "dyn.op18.bn", "dyn.op18.fold"}) {
    EXPECT_EQ(signature(plan_of(std::string("mbv2_digits/mbv2_digits.") + other + ".onnx")), signature(plan))
        << other;
  }
  EXPECT_EQ(plan.tensors.size(), 56U);
  EXPECT_EQ(count(plan, Role::weights, "Conv2d"), 16U);
  EXPECT_EQ(count(plan, Role::activation, "Add"), 3U);
  EXPECT_EQ(count(plan, Role::activation, "AdaptiveAvgPool2d"), 1U);
}

TEST(Spellings, TensorsAreRecordableAndUnique) {
  for (const char* model :
       {"rn_digits/rn_digits.ts.op13.bn.onnx", "rn_digits/rn_digits.dyn.op18.bn.onnx",
        "mbv2_digits/mbv2_digits.ts.op13.bn.onnx", "mbv2_digits/mbv2_digits.dyn.op18.bn.onnx"}) {
    const Graph original = read_onnx(std::filesystem::path(QCAL_MODELS) / model);
    const QuantizationPlan plan = plan_of(model);
    std::vector<std::string> in_model = original.inputs;
    for (const Node& node : original.nodes) {
      in_model.insert(in_model.end(), node.outputs.begin(), node.outputs.end());
    }
    for (const std::string& name : tensors_to_record(plan)) {
      EXPECT_THAT(in_model, ::testing::Contains(name)) << model;
    }
    std::vector<std::string> names;
    for (const PlannedTensor& tensor : plan.tensors) names.push_back(tensor.name);
    std::ranges::sort(names);
    EXPECT_EQ(std::ranges::adjacent_find(names), names.end()) << model;
  }
}

TEST(Spellings, EveryBiasKnowsItsFactors) {
  const QuantizationPlan plan = plan_of("rn_digits/rn_digits.dyn.op18.bn.onnx");
  const auto planned = [&](const std::string& name, Role role) {
    return std::ranges::any_of(plan.tensors, [&](const auto& t) { return t.name == name && t.role == role; });
  };
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.role != Role::bias) continue;
    ASSERT_TRUE(tensor.bias_factors) << tensor.name;
    EXPECT_TRUE(planned(tensor.bias_factors->weights, Role::weights));
    EXPECT_TRUE(planned(tensor.bias_factors->input, Role::activation) ||
                planned(tensor.bias_factors->input, Role::input));
  }
}

TEST(PlanText, ShowsLayersAndSources) {
  const QuantizationPlan plan = plan_of("rn_digits/rn_digits.ts.op13.bn.onnx");
  const std::string text = plan_text(plan);
  EXPECT_THAT(
      text,
      HasSubstr("conv1.weight\n  weights of /conv1/Conv (Conv2d), shape 8 x 1 x 3 x 3, channel axis 0\n"));
  EXPECT_THAT(text, HasSubstr("activation of /conv1/Conv (Conv2d), shape ? x 8 x 8 x 8, channel axis 1\n"));
  EXPECT_THAT(text, HasSubstr("transform include_cle: not applied\n"));
  EXPECT_THAT(text, HasSubstr("transform convert_relu6_to_relu: off\n"));
  const std::string one = plan_text(plan_of_layer(plan, "/fc/Gemm"));
  EXPECT_THAT(one, HasSubstr("fc.weight"));
  EXPECT_THAT(one, ::testing::Not(HasSubstr("conv1")));
}

}  // namespace
}  // namespace qcal
