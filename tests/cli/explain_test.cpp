// `calib_run explain`: which settings are in force, where they come from, which tensors they meet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/run_tool.h"
#include "tests/cli/tool_json.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string models = QCAL_MODELS;
const std::string rn_digits = " --model " + models + "/rn_digits/rn_digits.ts.op13.bn.onnx";

std::vector<std::string> keys(const rapidjson::Value& object) {
  std::vector<std::string> names;
  for (const auto& member : object.GetObject()) names.emplace_back(member.name.GetString());
  return names;
}

TEST(Explain, ShowsEveryValuesSource) {
  const Workspace work;
  const std::string config = " --config " + models + "/configs/cpu.json";
  const ToolRun text = work.run("explain" + config);
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, AllOf(HasSubstr("target_device"), HasSubstr("configs/cpu.json:")));

  const std::string model = " --model " + models + "/mbv2_digits/mbv2_digits.dyn.op18.bn.onnx";
  const ToolRun json = work.run("explain --json" + config + model);
  EXPECT_EQ(json.exit_code, 0) << json.err;
  const rapidjson::Document document = parsed(json.out);
  EXPECT_STREQ(document["target_device"].GetString(), "CPU");
  EXPECT_TRUE(document["tensor_settings"]["weights"]["bit_width"].HasMember("source"));
  ASSERT_GT(document["tensors"].Size(), 35u);
  EXPECT_TRUE(document["tensors"][0]["settings"]["method"].HasMember("value"));

  const ToolRun names =
      work.run("explain --tensors" + config + " --model " + models + "/rn_digits/rn_digits.ts.op13.bn.onnx");
  EXPECT_THAT(names.out,
              AllOf(HasSubstr("input\n"), HasSubstr("/relu/Relu_output_0\n"), Not(HasSubstr("weight"))));
}

TEST(Explain, DefaultConfigurationIsTheSpecificationsForTheDpu) {
  const Workspace work;
  const ToolRun run = work.run("explain --json");
  EXPECT_EQ(run.exit_code, 0);
  const rapidjson::Document document = parsed(run.out);
  EXPECT_STREQ(document["target_device"].GetString(), "DPU");
  EXPECT_STREQ(document["tensor_settings"]["activation"]["round_mode"]["value"].GetString(), "half_up");
  EXPECT_STREQ(document["tensor_settings"]["weights"]["round_mode"]["value"].GetString(), "std_round");
}

// What scripts read: the members, and the configuration's own keys and spellings.
TEST(Explain, JsonHasTheConfigurationsOwnKeys) {
  const Workspace work;
  const auto config = work.write("config.json", R"({"target_device": "CPU",
    "overall_quantize_config": {"bit_width": 8, "method": "MSE", "symmetry": false},
    "layer_quantize_config": [
      {"layer_type": "torch.nn.Conv2d", "quantizable_data_type": ["weights"], "overall_quantize_config": {"bit_width": 4}},
      {"layer_name": "/fc/*", "quantizable_data_type": ["bias"], "tensor_quantize_config": {"bias": {"bit_width": 32}}}]})");
  const ToolRun run = work.run("explain --json --quiet --config " + config.string() + rn_digits);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const rapidjson::Document document = parsed(run.out);
  EXPECT_THAT(keys(document), ElementsAre("target_device", "target_device_source", "transforms", "placement",
                                          "min_output_sqnr", "quantizable_data_type", "tensor_settings",
                                          "layers", "tensors", "left_out", "notes", "transform_status"));
  EXPECT_THAT(keys(document["transforms"]),
              ElementsAre("convert_relu6_to_relu", "include_cle", "include_bias_corr",
                          "keep_first_last_layer_accuracy", "keep_add_layer_accuracy"));
  EXPECT_THAT(keys(document["tensor_settings"]), ElementsAre("input", "weights", "bias", "activation"));
  EXPECT_THAT(keys(document["tensor_settings"]["weights"]),
              ElementsAre("datatype", "bit_width", "method", "round_mode", "symmetry", "per_channel",
                          "signed", "narrow_range", "scale_type", "calib_statistic_method", "percentage",
                          "calib_scope", "headroom", "search_start"));
  EXPECT_STREQ(document["tensor_settings"]["weights"]["method"]["value"].GetString(), "mse");
  const std::string source = "overall_quantize_config.bit_width (" + config.string() + ":2:46)";
  EXPECT_EQ(document["tensor_settings"]["weights"]["bit_width"]["source"].GetString(), source);
  ASSERT_EQ(document["layers"].Size(), 2u);
  EXPECT_STREQ(document["layers"][0]["layer_type"].GetString(), "torch.nn.Conv2d");
  EXPECT_THAT(keys(document["layers"][0]["tensor_settings"]), ElementsAre("weights"));
  EXPECT_EQ(document["layers"][0]["tensor_settings"]["weights"]["bit_width"]["value"].GetInt(), 4);
  EXPECT_STREQ(document["layers"][1]["layer_name"].GetString(), "/fc/*");
  EXPECT_THAT(keys(document["tensors"][1]), ElementsAre("name", "role", "layer", "layer_type", "shape",
                                                        "readers", "only_for_kernels", "settings"));
  EXPECT_EQ(document["tensors"][1]["settings"]["bit_width"]["value"].GetInt(), 4);
}

TEST(Explain, LayerShowsOneLayer) {
  const Workspace work;
  const std::string layer = " --layer /fc/Gemm";
  EXPECT_THAT(work.run("explain --quiet" + rn_digits + layer).out,
              AllOf(HasSubstr("fc.weight\n  weights of /fc/Gemm (Linear)"), HasSubstr("logits\n"),
                    Not(HasSubstr("conv1")), Not(HasSubstr("transform"))));
  const rapidjson::Document json = parsed(work.run("explain --json" + rn_digits + layer).out);
  EXPECT_EQ(json["tensors"].Size(), 3u);
  EXPECT_EQ(work.run("explain --tensors" + rn_digits + layer).out, "logits\n");
  EXPECT_EQ(work.run("explain --tensors --json" + rn_digits + layer).out, "[\"logits\"]\n");
}

TEST(Explain, SaysWhatThePlacementQuantizesForWhom) {
  const Workspace work;
  const std::string compute = work.run("explain --placement compute" + rn_digits).out;
  EXPECT_THAT(
      compute,
      HasSubstr("placement compute: 8 inputs and activations quantized, 7 left in float  (--placement)"));
  EXPECT_THAT(compute, HasSubstr("  in float: logits\n"));
  EXPECT_THAT(compute,
              HasSubstr("\n/relu/Relu_output_0\n  activation of /conv1/Conv (Conv2d), shape ? x 8 x 8 x 8, "
                        "channel axis 1\n  quantized for /layer1/layer1.0/conv1/Conv\n"));
  EXPECT_THAT(
      work.run("explain --placement fused" + rn_digits).out,
      HasSubstr("\n  quantized for /layer1/layer1.0/Add\n  in float where that leaves less than 20 dB  "
                "(default)\n"));
  EXPECT_THAT(work.run("explain --placement groups" + rn_digits).out,
              HasSubstr("quantized for the graph's output\n"));
}

TEST(Explain, LayersThatAreNoneAreRefused) {
  const Workspace work;
  const ToolRun misspelt = work.run("explain --layer /fc/Gem" + rn_digits);
  EXPECT_EQ(misspelt.exit_code, 2);
  EXPECT_THAT(misspelt.err, HasSubstr("did you mean /fc/Gemm?"));
  EXPECT_EQ(misspelt.out, "");
  const ToolRun unknown = work.run("explain --layer something" + rn_digits);
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("`calib_run explain --model M` lists them"));
  const ToolRun without_model = work.run("explain --layer /fc/Gemm");
  EXPECT_EQ(without_model.exit_code, 2);
  EXPECT_THAT(without_model.err, HasSubstr("--model"));
}

}  // namespace
}  // namespace qcal::testing
