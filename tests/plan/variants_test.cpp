// Numerically equal re-spellings of the two digits networks, and a network as it was shipped: each is planned
// like the network that it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <vector>

#include "tests/plan/plan_helpers.h"

namespace qcal {
namespace {

using ::testing::HasSubstr;
using testing::plan_of;
using testing::signature;

// Relative to models/.
const std::string variants = "../tests/data/variants/";

std::vector<std::string> variant_files() {
  std::vector<std::string> files;
  const std::filesystem::path folder = std::filesystem::path(QCAL_TEST_DATA) / "variants";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".onnx") {
      files.push_back(std::filesystem::relative(entry.path(), folder).string());
    }
  }
  std::ranges::sort(files);
  return files;
}

class Variants : public ::testing::TestWithParam<std::string> {
 protected:
  std::string base() const {
    return GetParam().starts_with("rn_digits") ? "rn_digits/rn_digits.ts.op17.fold.onnx"
                                               : "mbv2_digits/mbv2_digits.ts.op17.fold.onnx";
  }
};

// MatMul keeps the transpose of what Gemm keeps, and counts its channels on the other axis.
QuantizationPlan with_transposed_matmul(QuantizationPlan plan, const QuantizationPlan& base) {
  for (std::size_t i = 0; i < std::min(plan.tensors.size(), base.tensors.size()); ++i) {
    PlannedTensor& tensor = plan.tensors[i];
    if (tensor.role != Role::weights || tensor.shape.size() != 2 || tensor.shape == base.tensors[i].shape)
      continue;
    std::ranges::reverse(tensor.shape);
    tensor.channel_axis = 1 - *tensor.channel_axis;
  }
  return plan;
}

TEST_P(Variants, ArePlannedLikeTheirNetwork) {
  const QuantizationPlan base_plan = plan_of(base());
  const QuantizationPlan plan = plan_of(variants + GetParam());
  EXPECT_EQ(signature(with_transposed_matmul(plan, base_plan)), signature(base_plan));
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    const auto& found = plan.tensors[i].parameter;
    const auto& expected = base_plan.tensors.at(i).parameter;
    ASSERT_EQ(found != nullptr, expected != nullptr);
    if (!found || GetParam().find("fp16") != std::string::npos) continue;  // rounded in the file
    std::vector<float> left = *found->reals();
    std::vector<float> right = *expected->reals();
    if (found->shape != expected->shape) {  // transposed
      std::ranges::sort(left);
      std::ranges::sort(right);
    }
    EXPECT_EQ(left, right) << plan.tensors[i].name;
  }
}

TEST_P(Variants, NeedOnlyTensorsThatCanBeRecorded) {
  const Graph original = read_onnx(std::filesystem::path(QCAL_MODELS) / (variants + GetParam()));
  std::vector<std::string> exposed = original.inputs;
  for (const Node& node : original.nodes) {
    exposed.insert(exposed.end(), node.outputs.begin(), node.outputs.end());
  }
  for (const std::string& name : tensors_to_record(plan_of(variants + GetParam()))) {
    EXPECT_THAT(exposed, ::testing::Contains(name));
  }
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace_if(
      name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, Variants, ::testing::ValuesIn(variant_files()), test_name);

TEST(Variants, AreAllThere) {
  EXPECT_EQ(variant_files().size(), 32u);
}

// The condition is a constant, so the branch is part of the network; a user hears of it.
TEST(Variants, AConstantIfIsReported) {
  for (const char* net : {"rn_digits", "mbv2_digits"}) {
    const QuantizationPlan plan = plan_of(variants + net + ".if_wrapped.onnx");
    ASSERT_EQ(std::ranges::count(plan.notes, "If_0", &PlanNote::subject), 1);
    EXPECT_THAT(std::ranges::find(plan.notes, "If_0", &PlanNote::subject)->text,
                HasSubstr("this If is constant"));
  }
}

// PP-OCR's text-direction classifier: no initializers, unnamed nodes, biases as Add(Reshape(Constant)),
// opset 11.
TEST(ShippedNetwork, EveryConvolutionHasWeightsAndBias) {
  const QuantizationPlan plan = plan_of("cls/cls.onnx");
  std::map<std::string, int> roles_of_convolutions;
  std::map<std::string, int> activations;
  for (const PlannedTensor& tensor : plan.tensors) {
    EXPECT_NE(tensor.name, "");
    if (tensor.layer_op == "Conv") ++roles_of_convolutions[std::string(spelling(tensor.role))];
    if (tensor.role == Role::activation) ++activations[tensor.layer_op];
    if (tensor.role == Role::bias) {
      EXPECT_EQ(tensor.shape.size(), 1u) << tensor.name;
      EXPECT_TRUE(tensor.bias_factors.has_value()) << tensor.name;
    }
  }
  EXPECT_EQ(roles_of_convolutions,
            (std::map<std::string, int>{{"activation", 53}, {"bias", 53}, {"weights", 53}}));
  EXPECT_EQ(activations["HardSigmoid"], 9);
  EXPECT_EQ(activations["Gemm"], 1);
  EXPECT_EQ(activations["Softmax"], 1);
}

}  // namespace
}  // namespace qcal
