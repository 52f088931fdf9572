// How layer entries of the configuration find layers of the network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/plan/plan_helpers.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Tensors of `role` that an entry with this selector sets to 4 bits.
std::vector<std::string> selected(const std::string& model, const std::string& selector,
                                  const std::string& role) {
  const auto plan =
      testing::plan_of(model, testing::configuration(R"("layer_quantize_config": [{)" + selector +
                                                     R"(, "quantizable_data_type": [")" + role +
                                                     R"("], "overall_quantize_config": {"bit_width": 4}}])"));
  std::vector<std::string> names;
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.settings.bit_width.value == 4) names.push_back(tensor.name);
  }
  return names;
}

const std::string torch_script = "rn_digits/rn_digits.ts.op13.bn.onnx";
const std::string dynamo = "rn_digits/rn_digits.dyn.op18.fold.onnx";

TEST(Selection, ByOnnxName) {
  EXPECT_THAT(selected(torch_script, R"("layer_name": "/layer1/layer1.0/conv1/Conv")", "weights"),
              ElementsAre("layer1.0.conv1.weight"));
  EXPECT_THAT(selected(dynamo, R"("layer_name": "node_conv2d_1")", "weights"),
              ElementsAre("layer1.0.conv1.weight"));
}

TEST(Selection, ByVaiName) {
  const std::string name =
      R"("layer_name": "ResNet::ResNet/Sequential[layer1]/BasicBlock[0]/Conv2d[conv1]/input.2")";
  EXPECT_THAT(selected(torch_script, name, "weights"), ElementsAre("layer1.0.conv1.weight"));
  EXPECT_THAT(selected(dynamo, name, "weights"), ElementsAre("layer1.0.conv1.weight"));
  const std::string other_type =
      R"("layer_name": "ResNet::ResNet/Sequential[layer1]/BasicBlock[0]/ReLU[conv1]/input.2")";
  EXPECT_THAT(selected(dynamo, other_type, "weights"), IsEmpty());
}

TEST(Selection, ByGlob) {
  EXPECT_THAT(selected(torch_script, R"("layer_name": "/layer?/*/downsample*")", "weights"),
              ElementsAre("layer2.0.downsample.0.weight", "layer3.0.downsample.0.weight"));
}

TEST(Selection, ByTorchType) {
  EXPECT_THAT(selected(torch_script, R"("layer_type": "torch.nn.Linear")", "weights"),
              ElementsAre("fc.weight"));
  EXPECT_THAT(selected(dynamo, R"("layer_type": "Conv2d")", "bias"), SizeIs(9));
  EXPECT_THAT(selected(dynamo, R"("layer_type": "AdaptiveAvgPool2d")", "activation"), ElementsAre("view"));
}

TEST(Selection, ByOnnxType) {
  EXPECT_THAT(selected(torch_script, R"("layer_type": "Gemm")", "weights"), ElementsAre("fc.weight"));
  EXPECT_THAT(selected(dynamo, R"("layer_type": "ReduceMean")", "activation"), ElementsAre("view"))
      << "the operator of the file, although it was normalised to GlobalAveragePool";
}

TEST(Selection, AFusedActivationSpeaksForItsGroup) {
  EXPECT_THAT(selected("mbv2_digits/mbv2_digits.ts.op17.fold.onnx", R"("layer_type": "ReLU6")", "activation"),
              SizeIs(11));
  EXPECT_THAT(selected(torch_script, R"("layer_type": "ReLU")", "weights"), IsEmpty());
}

TEST(Selection, TheFirstReaderSpeaksForAGraphInput) {
  EXPECT_THAT(selected(torch_script, R"("layer_name": "/conv1/Conv")", "input"), ElementsAre("input"));
  EXPECT_THAT(selected(torch_script, R"("layer_name": "/fc/Gemm")", "input"), IsEmpty());
}

TEST(Selection, UnnamedNodesByTheirOutput) {
  const Graph graph = read_onnx(std::filesystem::path(QCAL_MODELS) / torch_script);
  for (const Node& node : graph.nodes) EXPECT_FALSE(node.name.empty());
}

}  // namespace
}  // namespace qcal
