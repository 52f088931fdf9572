#include "engine/graph/module_paths.h"

#include <gtest/gtest.h>

namespace qcal {
namespace {

TEST(ModulePaths, TorchScriptNodeNames) {
  EXPECT_EQ(module_path_from_node_name("/conv1/Conv"), "conv1");
  EXPECT_EQ(module_path_from_node_name("/layer1/layer1.0/conv1/Conv"), "layer1.0.conv1");
  EXPECT_EQ(module_path_from_node_name("/features/features.1/conv/conv.0/conv.0.0/Conv"),
            "features.1.conv.0.0");
  EXPECT_EQ(module_path_from_node_name("/layer10/layer1/Conv"), "layer10.layer1");
  EXPECT_EQ(module_path_from_node_name("/ReduceMean"), "");
  EXPECT_EQ(module_path_from_node_name("Conv_0"), "");
  EXPECT_EQ(module_path_from_node_name(""), "");
  EXPECT_EQ(module_path_from_node_name("/"), "");
}

TEST(ModulePaths, DynamoNameScopes) {
  EXPECT_EQ(module_path_from_name_scopes("['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d_1']"),
            "layer1.0.conv1");
  EXPECT_EQ(module_path_from_name_scopes("['', 'mean']"), "");
  EXPECT_EQ(module_path_from_name_scopes(R"(["", "it's", "op"])"), "it's");
  EXPECT_EQ(module_path_from_name_scopes("['only']"), "");
  EXPECT_EQ(module_path_from_name_scopes("['open"), "");
  EXPECT_EQ(module_path_from_name_scopes(""), "");
}

TEST(ModulePaths, ParameterNames) {
  EXPECT_EQ(module_path_from_parameter("layer1.0.conv1.weight"), "layer1.0.conv1");
  EXPECT_EQ(module_path_from_parameter("onnx::Conv_89"), "");
}

}  // namespace
}  // namespace qcal
