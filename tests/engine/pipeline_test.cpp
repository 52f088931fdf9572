// Both digits networks from their dumps, held against what the dumps themselves say.
#include "engine/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "engine/error.h"
#include "engine/graph/onnx_reader.h"
#include "engine/transform/normalise.h"
#include "tests/dumps/dump_files.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::filesystem::path models = QCAL_MODELS;

RunOptions options() {
  return {Backend::cpu(), 2, {}, {}};
}

Configuration maxmin_configuration(CalibrationScope scope) {
  Configuration configuration = load_config(models / "configs/gpu.json");
  configuration.quantizable[Role::bias].value = true;
  configuration.tensor_settings[Role::bias].bit_width.value = 32;
  for (Sourced<bool>* changes :
       {&configuration.convert_relu6_to_relu, &configuration.include_cle, &configuration.include_bias_corr})
    changes->value = false;
  for (const Role role : {Role::input, Role::activation}) {
    configuration.tensor_settings[role].method.value = Method::maxmin;
    configuration.tensor_settings[role].calib_scope.value = scope;
  }
  return configuration;
}

// Largest magnitude of a recorded tensor by a plain loop.
double recorded_amax(const DumpSource& dumps, const std::string& name) {
  double amax = 0.0;
  for (std::size_t batch = 0; batch < dumps.batches(name); ++batch) {
    const auto recorded = dumps.open(name, batch);
    const auto* values = static_cast<const float*>(recorded->view().data);
    for (std::int64_t i = 0; i < recorded->view().size(); ++i) {
      amax = std::max(amax, std::fabs(static_cast<double>(values[i])));
    }
  }
  return amax;
}

TEST(Pipeline, MaxminScalesAreThoseOfTheDump) {
  for (const std::string network : {"rn_digits", "mbv2_digits"}) {
    const auto model = models / network / (network + ".ts.op13.bn.onnx");
    const CalibrationResult result = calibrate_model(
        model, models / network / "dump", maxmin_configuration(CalibrationScope::accumulated), options());
    EXPECT_EQ(result.warnings, std::vector<std::string>{});
    const auto dumps = open_dumps(models / network / "dump");
    int activations = 0;
    for (const TensorParameters& tensor : result.parameters.tensors) {
      SCOPED_TRACE(tensor.name);
      if (tensor.role == Role::weights || tensor.role == Role::bias) continue;
      ++activations;
      EXPECT_EQ(tensor.scale.at(0), recorded_amax(*dumps, tensor.name) / 127.0);
      EXPECT_EQ(tensor.batches, 8);
    }
    EXPECT_GE(activations, 8);
  }
}

TEST(Pipeline, WeightScalesAreThoseOfTheNormalisedNetwork) {
  const auto model = models / "mbv2_digits/mbv2_digits.ts.op13.bn.onnx";
  const Configuration configuration = maxmin_configuration(CalibrationScope::per_batch);
  const QuantizationPlan plan = make_plan(normalise(read_onnx(model)), configuration);
  const auto dumps = open_dumps(models / "mbv2_digits/dump");
  const QuantizationParameters parameters = collect(plan, *dumps, configuration, options());
  std::map<std::string, const TensorParameters*> found;
  for (const TensorParameters& tensor : parameters.tensors) found[tensor.name] = &tensor;
  int checked = 0;
  for (const PlannedTensor& planned : plan.tensors) {
    if (planned.role != Role::weights || planned.channel_axis != 0) continue;
    SCOPED_TRACE(planned.name);
    const TensorParameters& tensor = *found.at(planned.name);
    const std::size_t channels = static_cast<std::size_t>(planned.shape.at(0));
    const std::vector<float>& values = *planned.parameter->reals();
    const std::size_t each = values.size() / channels;
    ASSERT_EQ(tensor.scale.size(), channels);
    for (std::size_t c = 0; c < channels; ++c) {
      double amax = 0.0;
      for (std::size_t i = 0; i < each; ++i) {
        amax = std::max(amax, std::fabs(static_cast<double>(values[c * each + i])));
      }
      EXPECT_EQ(tensor.scale[c], amax / 127.0);
    }
    ++checked;
  }
  EXPECT_GE(checked, 16);
}

TEST(Pipeline, SafetensorsAndNpyOfOneNetworkAgreeOnWhatTheyBothHold) {
  const Configuration configuration = load_config(models / "configs/cpu.json");
  const CalibrationResult npy = calibrate_model(models / "rn_digits/rn_digits.ts.op13.bn.onnx",
                                                models / "rn_digits/dump", configuration, options());
  const CalibrationResult safetensors =
      calibrate_model(models / "rn_digits/rn_digits.ts.op17.fold.onnx", models / "rn_digits/dump_safetensors",
                      configuration, options());
  ASSERT_EQ(npy.parameters.tensors.size(), safetensors.parameters.tensors.size());
  for (std::size_t i = 0; i < npy.parameters.tensors.size(); ++i) {
    const TensorParameters& a = npy.parameters.tensors[i];
    const TensorParameters& b = safetensors.parameters.tensors[i];
    EXPECT_EQ(a.layer_type, b.layer_type);
    EXPECT_EQ(a.role, b.role);
    EXPECT_EQ(a.scale.size(), b.scale.size());
    // Half of the batches, so the scales are near each other but not equal.
    if (a.role != Role::activation) continue;
    EXPECT_NEAR(b.scale[0] / a.scale[0], 1.0, 0.25) << a.name;
  }
}

TEST(Pipeline, ADumpOfAnotherModelIsRefusedWithTheCommandToRun) {
  try {
    calibrate_model(models / "rn_digits/rn_digits.ts.op17.fold.onnx", models / "rn_digits/dump",
                    load_config(models / "configs/cpu.json"), options());
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("another model"), HasSubstr("record.py")));
  }
}

TEST(Pipeline, ADumpThatNamesNoModelIsUsedWithAWarning) {
  const TemporaryDirectory directory;
  const std::filesystem::path recorded = models / "rn_digits/dump";
  std::string manifest = read_bytes(recorded / "manifest.json");
  const std::string key = "\"model_sha256\"";
  manifest.replace(manifest.find(key), key.size(), "\"recorded_by\"");
  for (const auto& file : std::filesystem::directory_iterator(recorded)) {
    if (file.path().extension() == ".npy")
      std::filesystem::create_symlink(file.path(), directory / file.path().filename().string());
  }
  write_bytes(directory / "manifest.json", manifest);
  const CalibrationResult result =
      calibrate_model(models / "rn_digits/rn_digits.ts.op13.bn.onnx", directory.path(),
                      load_config(models / "configs/cpu.json"), options());
  EXPECT_THAT(result.warnings, ElementsAre(HasSubstr("does not say which model it was recorded from")));
  EXPECT_EQ(result.parameters.tensors.size(), 33u);
}

// A tensor may be one number, or empty in some batches; where it is empty in all there is nothing to find.
TEST(Pipeline, ScalarsAndEmptyBatches) {
  const TemporaryDirectory directory;
  write_bytes(directory / "scalar.npy", npy_f32("()", {-3.5f}));
  write_bytes(directory / "none.npy", npy_f32("(0, 2)", {}));
  write_bytes(directory / "some.npy", npy_f32("(1, 2)", {0.5f, 2.0f}));
  const auto calibrated = [&](const std::string& tensors) {
    write_bytes(directory / "manifest.json", R"({"tensors": {)" + tensors + "}}");
    return calibrate_tensors(directory.path(), Role::activation, {},
                             maxmin_configuration(CalibrationScope::per_batch), options())
        .parameters.tensors;
  };
  const std::vector<TensorParameters> found =
      calibrated(R"("scalar": ["scalar.npy"], "sparse": ["none.npy", "some.npy", "none.npy"])");
  EXPECT_THAT(found.at(0).amax, ElementsAre(3.5));
  EXPECT_THAT(found.at(1).amax, ElementsAre(2.0));
  EXPECT_EQ(found.at(1).elements, 2u);
  EXPECT_THAT(message_of<InvalidArgument>([&] { calibrated(R"("empty": ["none.npy"])"); }),
              AllOf(HasSubstr("\"empty\""), HasSubstr("no batch held a finite value")));
}

TEST(Pipeline, MissingTensorsAreNamedAllAtOnce) {
  const Configuration configuration = load_config(models / "configs/cpu.json");
  const QuantizationPlan plan =
      make_plan(normalise(read_onnx(models / "mbv2_digits/mbv2_digits.ts.op13.bn.onnx")), configuration);
  const auto dumps = open_dumps(models / "rn_digits/dump");
  try {
    collect(plan, *dumps, configuration, options());
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("were not recorded"), HasSubstr("and "), HasSubstr("--tensors")));
  }
}

TEST(Pipeline, ReportsProgressUpToTheEnd) {
  RunOptions run = options();
  Progress last;
  run.on_progress = [&](const Progress& progress) {
    EXPECT_GE(progress.bytes_done, last.bytes_done);
    last = progress;
  };
  calibrate_tensors(models / "rn_digits/dump_safetensors", Role::activation, {},
                    load_config(models / "configs/gpu.json"), run);
  EXPECT_EQ(last.tensors_done, last.tensors);
  EXPECT_EQ(last.bytes_done, last.bytes);
  EXPECT_GT(last.bytes, 100000u);
}

TEST(Pipeline, ThreadCountChangesNothing) {
  for (const char* config : {"cpu.json", "gpu.json", "dpu.json"}) {
    const Configuration configuration = load_config(models / "configs" / config);
    std::vector<QuantizationParameters> results;
    std::vector<std::vector<BiasCorrection>> corrections;
    for (const int threads : {1, 2, 7}) {
      RunOptions run = options();
      run.threads = threads;
      CalibrationResult result = calibrate_model(models / "rn_digits/rn_digits.ts.op13.bn.onnx",
                                                 models / "rn_digits/dump", configuration, run);
      results.push_back(std::move(result.parameters));
      corrections.push_back(std::move(result.context.bias_corrections));
    }
    EXPECT_EQ(results[0], results[1]);
    EXPECT_EQ(results[0], results[2]);
    EXPECT_EQ(corrections[0], corrections[1]);
    EXPECT_EQ(corrections[0], corrections[2]);
  }
}

// vai_q_pytorch does not quantize a corrected bias anew.
TEST(Pipeline, VitisBiasesKeepTheirPositions) {
  Configuration configuration =
      load_config(models / "configs/dpu.json", {.compatibility = Compatibility::vitis});
  const auto parameters = [&](bool correct) {
    configuration.include_bias_corr.value = correct;
    return calibrate_model(models / "rn_digits/rn_digits.ts.op13.bn.onnx", models / "rn_digits/dump",
                           configuration, options())
        .parameters;
  };
  EXPECT_EQ(parameters(true), parameters(false));
}

// Every layer's error on the samples held back falls; the bias takes its scale from the corrected values.
TEST(Pipeline, BiasCorrectionIsAppliedAndReachesTheBiases) {
  Configuration configuration = maxmin_configuration(CalibrationScope::per_batch);
  configuration.tensor_settings[Role::bias].bit_width.value = 8;
  configuration.tensor_settings[Role::bias].method.value = Method::maxmin;
  configuration.tensor_settings[Role::bias].scale_type.value = ScaleType::float_scale;
  configuration.tensor_settings[Role::bias].per_channel.value = false;
  configuration.tensor_settings[Role::weights].bit_width.value = 4;
  configuration.include_bias_corr.value = true;
  const CalibrationResult result = calibrate_model(models / "rn_digits/rn_digits.ts.op13.bn.onnx",
                                                   models / "rn_digits/dump", configuration, options());
  const auto status =
      std::ranges::find(result.context.transforms, "include_bias_corr", &TransformStatus::name);
  EXPECT_EQ(status->status, "applied");
  EXPECT_THAT(status->details, ElementsAre(HasSubstr(" of 10 layers")));
  ASSERT_EQ(result.context.bias_corrections.size(), 10u);
  int kept = 0;
  for (const BiasCorrection& correction : result.context.bias_corrections) {
    SCOPED_TRACE(correction.layer);
    if (!correction.kept) continue;
    ++kept;
    EXPECT_LT(correction.error_after, correction.error_before);
    double amax = 0.0;
    for (const float value : correction.corrected) amax = std::max(amax, std::fabs(double{value}));
    const auto bias = std::ranges::find(result.parameters.tensors, correction.bias, &TensorParameters::name);
    ASSERT_NE(bias, result.parameters.tensors.end());
    EXPECT_EQ(bias->scale.at(0), amax / 127.0);
  }
  EXPECT_GE(kept, 8);
}

}  // namespace
}  // namespace qcal::testing
