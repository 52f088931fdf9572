#include "config/layer_selection.h"

#include <gtest/gtest.h>

#include "config/resolve.h"
#include "config_test_support.h"

namespace qcal {
namespace {

using config_test::conv1;

LayerEntry by_type(std::string type) {
  LayerEntry entry;
  entry.layer_type = {std::move(type), {}};
  return entry;
}

LayerEntry by_name(std::string name) {
  LayerEntry entry;
  entry.layer_name = {std::move(name), {}};
  return entry;
}

TEST(LayerSelection, types_match_by_their_last_component_and_as_onnx_op) {
  EXPECT_TRUE(selects(by_type("torch.nn.Conv2d"), conv1));
  EXPECT_TRUE(selects(by_type("torch.nn.modules.conv.Conv2d"), conv1));
  EXPECT_TRUE(selects(by_type("Conv2d"), conv1));
  EXPECT_TRUE(selects(by_type("Conv"), conv1));
  EXPECT_FALSE(selects(by_type("conv2d"), conv1));
  EXPECT_FALSE(selects(by_type("Conv3d"), conv1));
  EXPECT_FALSE(selects(by_type("Conv*"), conv1));
  EXPECT_TRUE(selects(by_type("Linear"), {.name = "fc", .module_path = {}, .types = {"torch.nn.Linear"}}));
  EXPECT_FALSE(selects(by_type("Conv2d"), {.name = "Conv2d", .module_path = {}, .types = {}}));
}

TEST(LayerSelection, names_match_the_onnx_node_exactly) {
  EXPECT_TRUE(selects(by_name("/layer1/layer1.0/conv1/Conv"), conv1));
  EXPECT_FALSE(selects(by_name("/layer1/layer1.0/conv1/conv"), conv1));
  EXPECT_FALSE(selects(by_name("conv1"), conv1));
}

TEST(LayerSelection, vai_names_match_by_module_path_and_type) {
  EXPECT_TRUE(selects(by_name("ResNet::ResNet/Conv2d[layer1]/BasicBlock[0]/Conv2d[conv1]/input.2"), conv1));
  EXPECT_TRUE(selects(by_name("Other::Net/Sequential[layer1]/Block[0]/Conv2d[conv1]/99"), conv1));
  EXPECT_FALSE(selects(by_name("ResNet::ResNet/Conv2d[layer1]/BasicBlock[1]/Conv2d[conv1]/input.2"), conv1));
  EXPECT_FALSE(
      selects(by_name("ResNet::ResNet/Sequential[layer1]/BasicBlock[0]/ReLU[conv1]/input.2"), conv1));
  EXPECT_FALSE(selects(by_name("ResNet::ResNet/Conv2d[conv1]/input.2"), conv1));

  const LayerIdentity first{.name = "/conv1/Conv", .module_path = "conv1", .types = {"Conv", "Conv2d"}};
  EXPECT_TRUE(selects(by_name("ResNet::ResNet/Conv2d[conv1]/input.2"), first));
  const LayerIdentity unknown{.name = "Conv_0", .module_path = {}, .types = {"Conv", "Conv2d"}};
  EXPECT_FALSE(selects(by_name("ResNet::ResNet/Conv2d[conv1]/input.2"), unknown));
}

TEST(LayerSelection, globs_match_the_onnx_node) {
  EXPECT_TRUE(selects(by_name("/layer1/*"), conv1));
  EXPECT_TRUE(selects(by_name("*/conv?/Conv"), conv1));
  EXPECT_FALSE(selects(by_name("/layer2/*"), conv1));
  EXPECT_FALSE(selects(by_name("*"), {.name = "", .module_path = {}, .types = {"Conv"}}));
  EXPECT_TRUE(selects(by_name("a*b"), {.name = "a*b", .module_path = {}, .types = {}}));
}

TEST(LayerSelection, an_entry_with_both_counts_as_type) {
  LayerEntry entry = by_type("Linear");
  entry.layer_name = {conv1.name, {}};
  EXPECT_FALSE(selects(entry, conv1));
  EXPECT_FALSE(selects(LayerEntry{}, conv1));
}

TEST(Glob, star_takes_any_run_and_question_mark_one) {
  EXPECT_TRUE(matches_glob("", ""));
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("**", "abc"));
  EXPECT_TRUE(matches_glob("a*c", "abbc"));
  EXPECT_TRUE(matches_glob("a*b*c", "axbxbxc"));
  EXPECT_TRUE(matches_glob("*ab", "aab"));
  EXPECT_TRUE(matches_glob("a?c", "abc"));
  EXPECT_FALSE(matches_glob("a?c", "ac"));
  EXPECT_FALSE(matches_glob("?", ""));
  EXPECT_FALSE(matches_glob("a*c", "abcd"));
  EXPECT_FALSE(matches_glob("", "a"));
  EXPECT_TRUE(matches_glob("conv[1]", "conv[1]"));
}

TEST(Glob, many_stars_stay_fast) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  EXPECT_FALSE(matches_glob(pattern + "b", std::string(20'000, 'a')));
}

TEST(VaiLayerName, scopes_give_the_path_and_the_type) {
  const auto name = parse_vai_layer_name("ResNet::ResNet/Conv2d[layer1]/BasicBlock[0]/Conv2d[conv1]/input.2");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->module_path, "layer1.0.conv1");
  EXPECT_EQ(name->type, "Conv2d");
}

TEST(VaiLayerName, other_forms_are_none) {
  EXPECT_FALSE(parse_vai_layer_name(""));
  EXPECT_FALSE(parse_vai_layer_name("/conv1/Conv"));
  EXPECT_FALSE(parse_vai_layer_name("ResNet::ResNet"));
  EXPECT_FALSE(parse_vai_layer_name("ResNet::ResNet/ret.3"));
  EXPECT_FALSE(parse_vai_layer_name("ResNet::ResNet/Conv2d[conv1"));
  EXPECT_FALSE(parse_vai_layer_name("ResNet::ResNet/Conv2d/ret.3"));
  EXPECT_FALSE(parse_vai_layer_name("ResNet::ResNet/[conv1]/ret.3"));
  EXPECT_FALSE(parse_vai_layer_name("ResNet::ResNet//ret.3"));
  EXPECT_FALSE(parse_vai_layer_name("::"));
}

}  // namespace
}  // namespace qcal
