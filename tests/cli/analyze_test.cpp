// calib_run analyze on the digits networks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "tests/cli/run_tool.h"
#include "tests/cli/tool_json.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string models = QCAL_MODELS;

// A network of models/, with its dump.
std::string network(const std::string& name) {
  return "--model " + models + "/" + name + "/" + name + ".ts.op13.bn.onnx --dumps " + models + "/" + name +
         "/dump";
}

// 8 bits, everything per tensor, the weights signed and symmetric.
const std::string per_tensor = R"({
  "target_device": "CPU", "convert_relu6_to_relu": false, "include_cle": false, "include_bias_corr": false,
  "placement": "compute", "quantizable_data_type": ["input", "weights", "bias", "activation"],
  "overall_quantize_config": {"bit_width": 8, "method": "maxmin", "round_mode": "half_even", "symmetry": true,
    "per_channel": false, "signed": true, "narrow_range": false, "scale_type": "float",
    "calib_statistic_method": "max", "calib_scope": "accumulated"},
  "tensor_quantize_config": {"bias": {"bit_width": 32}, "activation": {"symmetry": false, "signed": false},
                             "input": {"symmetry": false, "signed": false}}
})";

class Analyze : public ::testing::Test {
 protected:
  void calibrate(const std::string& name, const std::string& config) {
    const ToolRun run = work_.run("calibrate --quiet " + network(name) + " --config " + config + " --out " +
                                  (work_ / "out").string());
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  std::string params() const { return " --params " + (work_ / "out" / "quant_params.json").string(); }
  ToolRun analyze(const std::string& name, const std::string& more = "") const {
    return work_.run("analyze " + network(name) + params() + " " + more);
  }
  rapidjson::Document json(const std::string& name, const std::string& more = "") const {
    const ToolRun run = analyze(name, "--json " + more);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, IsEmpty());
    return parsed(run.out);
  }

  const Workspace work_;
};

// Decibels of a member of sqnr_db; null stands for no error.
double figure(const rapidjson::Value& layer, const char* which) {
  const rapidjson::Value& value = layer["sqnr_db"][which];
  return value.IsNull() ? 1000.0 : value.GetDouble();
}

// Noise of two sources that know nothing of each other adds up: both together are worse than either, by at
// most 3 dB than the worse. Sources that happen to agree or to cancel may shift that by a little.
void expect_sane(const rapidjson::Document& analysis) {
  double before = -1000.0;
  for (const rapidjson::Value& layer : analysis["layers"].GetArray()) {
    const double worse = std::min(figure(layer, "weights_only"), figure(layer, "activations_only"));
    const double both = figure(layer, "both");
    EXPECT_LE(both, worse + 0.5) << layer["layer"].GetString();
    EXPECT_GE(both, worse - 4.0) << layer["layer"].GetString();
    EXPECT_GE(both, before) << "worst first";
    before = both;
  }
}

TEST_F(Analyze, EveryLayerOfBothNetworks) {
  calibrate("rn_digits", models + "/configs/cpu.json");
  const rapidjson::Document rn = json("rn_digits");
  EXPECT_EQ(rn["layers"].Size(), 10u);
  EXPECT_EQ(rn["skipped"].Size(), 0u);
  EXPECT_EQ(rn["batches"].GetInt(), 8);
  expect_sane(rn);
  calibrate("mbv2_digits", models + "/configs/cpu.json");
  expect_sane(json("mbv2_digits"));
}

// The trial that changes `setting`, among those that are shown; null where none does.
const rapidjson::Value* tried(const rapidjson::Value& layer, const char* setting) {
  for (const rapidjson::Value& trial : layer["best"].GetArray())
    if (trial["change"].HasMember(setting)) return &trial;
  return nullptr;
}

bool is_depthwise(const rapidjson::Value& layer) {
  return std::string(layer["layer"].GetString()).find("conv.1/conv.1.0") != std::string::npos;
}

TEST_F(Analyze, PerTensorWeightsPutADepthwiseLayerWorst) {
  calibrate("mbv2_digits", work_.write("config.json", per_tensor).string());
  const rapidjson::Document analysis = json("mbv2_digits");
  expect_sane(analysis);
  const rapidjson::Value& worst = analysis["layers"][0];
  EXPECT_TRUE(is_depthwise(worst)) << worst["layer"].GetString();
  EXPECT_LT(figure(worst, "weights_only"), figure(worst, "activations_only"));
  const rapidjson::Value& best = worst["best"];
  ASSERT_GE(best.Size(), 1u);
  ASSERT_LE(best.Size(), 3u);
  const rapidjson::Value* per_channel = tried(worst, "per_channel");
  ASSERT_NE(per_channel, nullptr);
  EXPECT_GT((*per_channel)["gain_db"].GetDouble(), 6.0);
  EXPECT_STREQ((*per_channel)["role"].GetString(), "weights");
  EXPECT_STREQ((*per_channel)["layer"].GetString(), worst["layer"].GetString());
}

// What a trial promises is what a calibration with that setting then measures.
TEST_F(Analyze, AGainIsThere) {
  calibrate("mbv2_digits", work_.write("config.json", per_tensor).string());
  const rapidjson::Document before = json("mbv2_digits", "--worst 1");
  const rapidjson::Value& worst = before["layers"][0];
  const std::string layer = worst["layer"].GetString();
  const rapidjson::Value* trial = tried(worst, "per_channel");
  ASSERT_NE(trial, nullptr);
  const double promised = (*trial)["sqnr_db"].GetDouble();
  std::string changed = per_tensor.substr(0, per_tensor.rfind('}'));
  changed +=
      R"(, "layer_quantize_config": [{"layer_name": ")" + layer +
      R"(", "quantizable_data_type": ["weights"], "overall_quantize_config": {"per_channel": true}}]})";
  calibrate("mbv2_digits", work_.write("changed.json", changed).string());
  const rapidjson::Document after = json("mbv2_digits");
  for (const rapidjson::Value& now : after["layers"].GetArray()) {
    if (now["layer"].GetString() != layer) continue;
    EXPECT_NEAR(figure(now, "both"), promised, 1e-3);
  }
}

TEST_F(Analyze, TextTellsTheWorstFirstAndWhatWouldHelp) {
  calibrate("mbv2_digits", work_.write("config.json", per_tensor).string());
  const ToolRun run = analyze("mbv2_digits", "--backend cpu");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("weights only"), HasSubstr("8 of 8 batches, oneDNN 2."),
                             HasSubstr("\"per_channel\": true"), HasSubstr("weights of /features")));
  EXPECT_THAT(run.err, HasSubstr("one scale for channels whose ranges differ"));
  EXPECT_THAT(analyze("mbv2_digits", "--tensors").out, HasSubstr("\ntensors\n"));
  EXPECT_THAT(analyze("mbv2_digits", "--batches 2 --quiet").out, HasSubstr("2 of 8 batches"));
}

TEST_F(Analyze, RunsOnAGpuOrSaysWhyNot) {
  calibrate("rn_digits", models + "/configs/cpu.json");
  const ToolRun run = analyze("rn_digits", "--backend cuda");
  if (run.exit_code == 0) {
    EXPECT_THAT(run.out, HasSubstr("8 of 8 batches, cuDNN 9."));
    return;
  }
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, AnyOf(HasSubstr("--backend cuda: "), HasSubstr("cuDNN")))
      << "without device, and without library";
}

TEST_F(Analyze, WarnsOfASignThatDataDoNotHave) {
  calibrate("rn_digits", models + "/configs/gpu.json");
  const rapidjson::Document analysis = json("rn_digits");
  std::string warnings;
  for (const rapidjson::Value& warning : analysis["warnings"].GetArray()) warnings += warning.GetString();
  EXPECT_THAT(warnings, AllOf(HasSubstr("never negative"), HasSubstr("\"signed\": \"auto\"")));
}

TEST_F(Analyze, WarnsOfReLU6ThatWasCut) {
  calibrate(
      "mbv2_digits",
      work_.write("relu.json", std::regex_replace(per_tensor, std::regex("relu\": false"), "relu\": true"))
          .string());
  EXPECT_THAT(analyze("mbv2_digits").err, HasSubstr("convert_relu6_to_relu"));
}

TEST_F(Analyze, ParametersOfAnotherModelAreRefused) {
  calibrate("rn_digits", models + "/configs/cpu.json");
  const ToolRun run = analyze("mbv2_digits");
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr("parameters of another model file"));
}

TEST_F(Analyze, ParametersOfAnotherConfigurationAreRefused) {
  calibrate("rn_digits", models + "/configs/cpu.json");
  const ToolRun run = analyze("rn_digits", "--placement groups");
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("no parameters of"), HasSubstr("--placement that calibrate was given")));
}

TEST_F(Analyze, BrokenParametersAreRefused) {
  calibrate("rn_digits", models + "/configs/cpu.json");
  const auto file = work_ / "out" / "quant_params.json";
  const std::string good = file_text(file);
  const auto refused = [&](const std::string& what, const std::string& with) {
    const std::size_t at = good.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    std::string bad = good;
    bad.replace(at, what.size(), with);
    work_.write("bad.json", bad);
    const ToolRun run =
        work_.run("analyze " + network("rn_digits") + " --params " + (work_ / "bad.json").string());
    EXPECT_EQ(run.exit_code, 2) << with;
    EXPECT_THAT(run.err, HasSubstr("bad.json")) << with;
  };
  refused("\"scale\": [", "\"scale\": [-");
  refused("\"qmax\": 255", "\"qmax\": 25500000000");
  refused("\"qmax\": 255", "\"qmax\": -1");
  refused("\"zero_point\": [", "\"zero_point\": [922337203685477");
  refused("\"qmin\": 0", "\"qmin\": -9223372036854775808");
  refused("\"bit_width\": 8,\n      \"qmin\"", "\"bit_width\": -8,\n      \"qmin\"");
  refused("\"axis\": 0", "\"axis\": -1");
  refused("\"axis\": 0", "\"axis\": null");
  refused("\"target_device\": \"CPU\"", "\"target_device\": \"TPU\"");
  refused("\"bias_correction\"", "\"bias_corrections\"");
}

}  // namespace
}  // namespace qcal::testing
