// The contract of the command line: what it prints, what it leaves behind, how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/calibrator.h"
#include "engine/dumps/dump_source.h"
#include "engine/export/quant_params.h"
#include "kernels/backend.h"
#include "tests/cli/run_tool.h"
#include "tests/cli/tool_json.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string models = QCAL_MODELS;
const std::string rn_job = "--model " + models + "/rn_digits/rn_digits.ts.op13.bn.onnx --dumps " + models +
                           "/rn_digits/dump --config " + models + "/configs/cpu.json";

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(CalibRun, CalibrateWritesItsFilesAndPrintsATable) {
  const Workspace work;
  const ToolRun run = work.run("calibrate " + rn_job + " --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("layer"), HasSubstr("zero point"), HasSubstr("/conv1/Conv"), HasSubstr("uint8"),
                    HasSubstr("input x weights"), HasSubstr("33 tensors written to")));
  EXPECT_THAT(run.err, IsEmpty());
  EXPECT_EQ(entries(work / "out"), 3u);
  const QuantizationParameters parameters = read_quant_params(work / "out" / "quant_params.json");
  EXPECT_EQ(parameters.tensors.size(), 33u);
  const rapidjson::Document info = parsed(file_text(work / "out" / "quant_info.json"));
  EXPECT_TRUE(info.HasMember("param") && info.HasMember("output") && info.HasMember("input"));
}

TEST(CalibRun, JsonIsOneObjectAndNothingElse) {
  const Workspace work;
  const ToolRun run = work.run("calibrate --json " + rn_job + " --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, IsEmpty());
  const rapidjson::Document json = parsed(run.out);
  EXPECT_EQ(json["result"]["tensors"].Size(), 33u);
  EXPECT_TRUE(json["warnings"].IsArray());
}

TEST(CalibRun, JsonHoldsTheWarningsOfTheConfigurationToo) {
  const Workspace work;
  const auto config = work.write("config.json", R"({"target_device": "CPU"})");
  const ToolRun run = work.run("tensors --json --dumps " + models + "/rn_digits/dump_safetensors --config " +
                               config.string() + " --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, IsEmpty());
  const rapidjson::Document json = parsed(run.out);
  EXPECT_THAT(json["warnings"][0].GetString(),
              HasSubstr("config.json:1:1: warning: keys that UG1414 requires"));
}

TEST(CalibRun, WhatIsNobodysInputIsExitCodeOne) {
  const Workspace work;
  EXPECT_EQ(
      WEXITSTATUS(std::system(
          (std::string(QCAL_CALIB_RUN) + " explain > /dev/full 2> " + (work / "stderr").string()).c_str())),
      1);
  EXPECT_THAT(file_text(work / "stderr"), HasSubstr("No space left on device"));
}

TEST(CalibRun, AdjustedPositionsArePrintedAndWritten) {
  const Workspace work;
  const std::string job = "calibrate --model " + models + "/rn_digits/rn_digits.ts.op13.bn.onnx --dumps " +
                          models + "/rn_digits/dump --config " + models +
                          "/configs/dpu.json --align add,pool";
  const ToolRun run = work.run(job + " --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("Add: align of activation "));
  const rapidjson::Document json = parsed(work.run(job + " --json --out " + (work / "out").string()).out);
  const auto& adjustments = json["result"]["adjustments"];
  ASSERT_GT(adjustments.Size(), 0u);
  EXPECT_STREQ(adjustments[0]["rule"].GetString(), "align");
  EXPECT_NE(adjustments[0]["before"].GetInt(), adjustments[0]["after"].GetInt());
  const ToolRun wrong = work.run(job + ",mul --out " + (work / "out").string());
  EXPECT_EQ(wrong.exit_code, 2);
}

TEST(CalibRun, ExplainBiasListsWhatWasKept) {
  const Workspace work;
  const std::string job = "calibrate --model " + models + "/rn_digits/rn_digits.ts.op13.bn.onnx --dumps " +
                          models + "/rn_digits/dump --config " + models + "/configs/dpu.json";
  const ToolRun run = work.run(job + " --explain-bias --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("include_bias_corr: applied: "), HasSubstr("error before"),
                             HasSubstr("largest correction")));
  const rapidjson::Document json = parsed(file_text(work / "out" / "quant_params.json"));
  EXPECT_STREQ(json["transforms"]["include_bias_corr"].GetString(), "applied");
  ASSERT_EQ(json["bias_correction"].Size(), 10u);
  EXPECT_EQ(json["bias_correction"][0]["added"].Size(), json["bias_correction"][0]["corrected"].Size());
}

TEST(CalibRun, QuietPrintsNothing) {
  const Workspace work;
  const ToolRun run = work.run("calibrate --quiet " + rn_job + " --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.out + run.err, IsEmpty());
}

TEST(CalibRun, RunningTwiceChangesNothing) {
  const Workspace work;
  const std::string command = "calibrate --quiet " + rn_job + " --out " + (work / "out").string();
  ASSERT_EQ(work.run(command + " --threads 1").exit_code, 0);
  const std::string first = file_text(work / "out" / "quant_params.json");
  ASSERT_EQ(work.run(command + " --threads 7").exit_code, 0);
  EXPECT_EQ(first, file_text(work / "out" / "quant_params.json"));
}

TEST(CalibRun, TransformsArePrintedAndInTheOutput) {
  const Workspace work;
  const ToolRun run =
      work.run("calibrate --model " + models + "/rn_digits/rn_digits.ts.op13.bn.onnx --dumps " + models +
               "/rn_digits/dump --config " + models + "/configs/dpu.json --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(Not(HasSubstr("include_cle")), Not(HasSubstr("relu6"))));
  EXPECT_THAT(run.out, HasSubstr("include_cle: applied: 3 pairs"));
  const rapidjson::Document json = parsed(file_text(work / "out" / "quant_params.json"));
  EXPECT_STREQ(json["transforms"]["include_cle"].GetString(), "applied");
  EXPECT_EQ(json["transform_details"]["include_cle"].Size(), 4u);
}

TEST(CalibRun, TensorsGivesWhatTheLibraryGivesFromMemory) {
  const Workspace work;
  const std::string dumps = models + "/rn_digits/dump_safetensors";
  const std::string config = models + "/configs/gpu.json";
  const ToolRun run = work.run("tensors --quiet --dumps " + dumps + " --config " + config + " --out " +
                               (work / "out").string());
  ASSERT_EQ(run.exit_code, 0) << run.err;
  Calibrator calibrator{load_config(config), Backend::cpu()};
  const auto source = open_dumps(dumps);
  for (const std::string& name : source->names()) {
    calibrator.declare(name, {.role = Role::activation});
    for (std::size_t batch = 0; batch < source->batches(name); ++batch) {
      calibrator.observe(name, source->open(name, batch)->view());
    }
  }
  EXPECT_EQ(read_quant_params(work / "out" / "quant_params.json"), calibrator.finish());
}

TEST(CalibRun, TensorsTakesRoleAndAxis) {
  const Workspace work;
  const auto config = work.write("config.json", R"({
    "target_device": "CPU", "quantizable_data_type": ["input", "weights", "bias", "activation"],
    "overall_quantize_config": {"bit_width": 8, "method": "maxmin", "round_mode": "half_even", "symmetry": true,
      "per_channel": true, "signed": true, "narrow_range": false, "scale_type": "float",
      "calib_statistic_method": "max"}})");
  const std::string common = "tensors --dumps " + models + "/rn_digits/dump_safetensors --config " +
                             config.string() + " --role weights --out " + (work / "out").string();
  const ToolRun without_axis = work.run(common);
  EXPECT_EQ(without_axis.exit_code, 2);
  EXPECT_THAT(without_axis.err, HasSubstr("channel axis"));
  const ToolRun run = work.run(common + " --axis -1 --per-batch");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  for (const TensorParameters& tensor : read_quant_params(work / "out" / "quant_params.json").tensors) {
    EXPECT_EQ(tensor.role, Role::weights);
    EXPECT_EQ(tensor.granularity, Granularity::per_channel);
    EXPECT_EQ(tensor.per_batch.scale.size(), 4u);
  }
}

TEST(CalibRun, DiffSaysIdenticalOrWhatChanged) {
  const Workspace work;
  ASSERT_EQ(work.run("calibrate --quiet " + rn_job + " --out " + (work / "a").string()).exit_code, 0);
  const std::string gpu = "--model " + models + "/rn_digits/rn_digits.ts.op13.bn.onnx --dumps " + models +
                          "/rn_digits/dump --config " + models + "/configs/gpu.json";
  ASSERT_EQ(work.run("calibrate --quiet " + gpu + " --out " + (work / "b").string()).exit_code, 0);
  const std::string a = (work / "a" / "quant_params.json").string();
  const std::string b = (work / "b" / "quant_params.json").string();
  EXPECT_EQ(work.run("diff " + a + " " + a).out, "identical\n");
  const ToolRun changed = work.run("diff " + a + " " + b);
  EXPECT_EQ(changed.exit_code, 0);
  EXPECT_THAT(changed.out, AllOf(HasSubstr("/conv1/Conv"), HasSubstr("scale"), HasSubstr("symmetric")));
  EXPECT_TRUE(parsed(work.run("diff --json " + a + " " + b).out).IsArray());
}

TEST(CalibRun, VitisCompatibilityRuns) {
  const Workspace work;
  const ToolRun run = work.run("calibrate --compat vitis --model " + models +
                               "/rn_digits/rn_digits.ts.op13.bn.onnx --dumps " + models +
                               "/rn_digits/dump --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 0) << run.err;
  for (const TensorParameters& tensor : read_quant_params(work / "out" / "quant_params.json").tensors) {
    EXPECT_TRUE(tensor.fix_pos.has_value()) << tensor.name;
  }
}

// The DPU's equalization takes the bound off ReLU6, and some recorded values are cut there.
TEST(CalibRun, ARecordingThatReLU6CutIsAWarning) {
  const Workspace work;
  const std::string model = models + "/mbv2_digits/mbv2_digits.ts.op13.bn.onnx";
  const ToolRun run = work.run("calibrate --model " + model + " --dumps " + models +
                               "/mbv2_digits/dump --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("% of the recorded values of 10 ReLU6 that became ReLU reach 6"),
                             HasSubstr("calib_run prepare --model " + model)));
}

// 10 of the 11 ReLU6 of the network stand between equalized layers.
TEST(CalibRun, BoundsThatNoValueReachesAreDropped) {
  const Workspace work;
  const std::string job =
      "--model " + models + "/mbv2_digits/mbv2_digits.ts.op13.bn.onnx --dumps " + models +
      "/mbv2_digits/dump --config " +
      work.write("config.json", R"({"target_device": "CPU", "include_cle": true})").string();
  const ToolRun run = work.run("calibrate " + job + " --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::string line = "10 pairs; 5 of 10 ReLU6 bounds dropped, which no recorded value reaches";
  EXPECT_THAT(run.out, HasSubstr("include_cle: applied: " + line + "\n"));
  const rapidjson::Document json = parsed(file_text(work / "out" / "quant_params.json"));
  EXPECT_EQ(json["transform_details"]["include_cle"][0].GetString(), line);
  const ToolRun prepared = work.run("prepare " + job + " --out " + (work / "prepared.onnx").string());
  EXPECT_EQ(prepared.exit_code, 0) << prepared.err;
  EXPECT_THAT(prepared.out, HasSubstr("include_cle: applied\n  " + line + "\n"));
}

TEST(CalibRun, PrepareSaysWhatItDid) {
  const Workspace work;
  const std::string model = models + "/mbv2_digits/mbv2_digits.ts.op13.bn.onnx";
  const std::string out = (work / "prepared.onnx").string();
  const ToolRun run = work.run("prepare --model " + model + " --out " + out);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("convert_relu6_to_relu: applied\n  10 ReLU6 became ReLU"),
                    HasSubstr("include_cle: applied\n  10 pairs\n"), HasSubstr("written to " + out)));
  EXPECT_THAT(run.err, HasSubstr("warning: convert_relu6_to_relu: 10 ReLU6 became ReLU"));
  const ToolRun explained = work.run("explain --quiet --model " + out);
  EXPECT_THAT(explained.out, HasSubstr("transform include_cle: applied\n  10 pairs\n"));
  EXPECT_EQ(work.run("prepare --model " + out + " --out " + out).exit_code, 2) << "not over the model itself";
}

// Bad input: exit code 2, one clear message, and nothing left behind.
struct BadInput {
  std::string name;
  std::string arguments;  // %W is the workspace
  std::string message;
};

void expect_refused(const Workspace& work, BadInput bad) {
  SCOPED_TRACE(bad.name);
  for (std::size_t at = bad.arguments.find("%W"); at != std::string::npos; at = bad.arguments.find("%W")) {
    bad.arguments.replace(at, 2, (work / "").string());
  }
  const ToolRun run = work.run(bad.arguments + " --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 2) << run.err;
  EXPECT_THAT(run.err, HasSubstr(bad.message));
  EXPECT_FALSE(std::filesystem::exists(work / "out"));
}

TEST(CalibRun, BadInputIsRefusedAndLeavesNothingBehind) {
  const Workspace work;
  const std::string model = "--model " + models + "/rn_digits/rn_digits.ts.op13.bn.onnx ";
  const std::string dumps = "--dumps " + models + "/rn_digits/dump ";
  work.write("broken.json",
             "{\"target_device\": \"CPU\",\n  \"overall_quantize_config\": {\"methd\": \"mse\"}}");
  work.write("half.onnx", file_text(models + "/rn_digits/rn_digits.ts.op13.bn.onnx").substr(0, 20000));
  work.write("text.onnx", "this is no network");
  std::filesystem::create_directories(work / "empty");
  expect_refused(work, {"no command", "", "subcommand"});
  expect_refused(work, {"misspelt command", "calibrat", "did you mean calibrate?"});
  expect_refused(work, {"unknown option", "calibrate --modle x " + model + dumps, "modle"});
  expect_refused(work, {"misspelt key", "calibrate " + model + dumps + "--config %Wbroken.json",
                        "broken.json:2:31: overall_quantize_config.methd"});
  expect_refused(work,
                 {"missing configuration", "calibrate " + model + dumps + "--config %Wno.json", "no.json"});
  expect_refused(work, {"missing model", "calibrate --model %Wno.onnx " + dumps, "no.onnx"});
  expect_refused(work, {"truncated model", "calibrate --model %Whalf.onnx " + dumps, "half.onnx"});
  expect_refused(work, {"model that is none", "calibrate --model %Wtext.onnx " + dumps, "text.onnx"});
  expect_refused(work, {"empty dump", "calibrate " + model + "--dumps %Wempty", "empty"});
  expect_refused(work, {"another network's dump",
                        "calibrate " + model + "--dumps " + models + "/mbv2_digits/dump", "another model"});
  if (Backend::automatic()->name() != "cuda") {
    expect_refused(work,
                   {"no CUDA", "calibrate --backend cuda " + model + dumps, "--backend cpu gives the same"});
  }
}

TEST(CalibRun, NonFiniteBatchesFollowThePolicy) {
  const Workspace work;
  std::filesystem::create_directories(work / "dump");
  // Two batches of two float32; the second holds a NaN.
  const std::string header_text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  std::string header = std::string("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(118);
  header += '\0';
  header += header_text + std::string(117 - header_text.size(), ' ') + "\n";
  const auto bytes_of = [](float a, float b) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &a, 4);
    std::memcpy(bytes.data() + 4, &b, 4);
    return bytes;
  };
  work.write("dump/0.npy", header + bytes_of(1.0f, -2.0f));
  work.write("dump/1.npy", header + bytes_of(std::numeric_limits<float>::quiet_NaN(), 4.0f));
  work.write("dump/manifest.json", R"({"tensors": {"x": ["0.npy", "1.npy"]}})");
  const std::string common = "tensors --quiet --dumps " + (work / "dump").string() + " --config " + models +
                             "/configs/cpu.json --out " + (work / "out").string();
  const ToolRun strict = work.run(common);
  EXPECT_EQ(strict.exit_code, 2);
  EXPECT_THAT(strict.err, AllOf(HasSubstr("\"x\""), HasSubstr("batch 1"), HasSubstr("--non-finite")));
  EXPECT_FALSE(std::filesystem::exists(work / "out"));
  for (const auto& [policy, amax] : {std::pair{"skip-batch", 2.0}, std::pair{"ignore", 4.0}}) {
    const ToolRun run = work.run(common + " --non-finite " + policy);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    const TensorParameters tensor = read_quant_params(work / "out" / "quant_params.json").tensors.at(0);
    EXPECT_EQ(tensor.non_finite, 1u);
    EXPECT_NEAR(tensor.amax.at(0), amax, 0.05 * amax);
  }
}

TEST(CalibRun, DeviceRulesCanBeWarnings) {
  const Workspace work;
  const auto config = work.write("dpu.json", R"({
    "target_device": "DPU", "quantizable_data_type": ["input", "weights", "bias", "activation"],
    "overall_quantize_config": {"bit_width": 8, "method": "mse", "round_mode": "std_round", "symmetry": true,
      "per_channel": false, "signed": true, "narrow_range": false, "scale_type": "power_of_two",
      "calib_statistic_method": "modal"}})");
  const std::string command = "explain --config " + config.string();
  const ToolRun refused = work.run(command);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("dpu.json:3:"));
  const ToolRun warned = work.run(command + " --device-rules warn");
  EXPECT_EQ(warned.exit_code, 0);
  EXPECT_THAT(warned.err, HasSubstr("warning"));
}

}  // namespace
}  // namespace qcal::testing
