// Batches handed over as they come, held against the same batches read from a dump.
#include "engine/run/network_calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/network.h"
#include "tests/support/refusal.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::filesystem::path models = QCAL_MODELS;
const std::filesystem::path network = models / "rn_digits/rn_digits.ts.op13.bn.onnx";

RunOptions options() {
  return {Backend::cpu(), 2, {}, {}};
}

// As the shipped configuration says, but for changes that its dump was not recorded behind.
Configuration configuration_of(const std::string& file) {
  Configuration configuration = load_config(models / "configs" / file);
  configuration.convert_relu6_to_relu.value = false;
  configuration.include_cle.value = false;
  return configuration;
}

void observe_dump(NetworkCalibration& calibration, const DumpSource& dumps) {
  for (const std::string& name : calibration.tensors()) {
    for (std::size_t batch = 0; batch < dumps.batches(name); ++batch)
      calibration.observe(name, dumps.open(name, batch)->view());
  }
}

TEST(NetworkCalibration, GivesTheBitsOfADump) {
  const auto dumps = open_dumps(models / "rn_digits/dump");
  for (const char* file : {"cpu.json", "gpu.json", "dpu.json"}) {
    SCOPED_TRACE(file);
    const Configuration configuration = configuration_of(file);
    NetworkCalibration calibration(network, configuration, options());
    observe_dump(calibration, *dumps);
    const CalibrationResult handed_over = calibration.finish();
    const CalibrationResult recorded =
        calibrate_model(network, models / "rn_digits/dump", configuration, options());
    EXPECT_EQ(quant_params_json(handed_over.parameters, handed_over.context),
              quant_params_json(recorded.parameters, recorded.context));
    EXPECT_TRUE(handed_over.quantized.model == recorded.quantized.model);
    EXPECT_EQ(handed_over.warnings, recorded.warnings);
  }
}

TEST(NetworkCalibration, TakesBatchesOfThePreparedModel) {
  const Configuration configuration = load_config(models / "configs/cpu.json");
  const auto mobile_net = models / "mbv2_digits/mbv2_digits.ts.op13.bn.onnx";
  NetworkCalibration calibration(mobile_net, configuration, options());
  EXPECT_EQ(calibration.prepared_model(), prepared_model(read_network(mobile_net, configuration)));
  // Equalized tensors and ReLU6 without its bound: what the dump of the model file must be rescaled for.
  const Network read = read_network(mobile_net, configuration);
  ASSERT_FALSE(read.transformed.unclipped.empty());
  const std::vector<std::string> names = calibration.tensors();
  for (const std::string& output : read.transformed.unclipped)
    EXPECT_TRUE(std::ranges::find(names, output) != names.end()) << output;
}

TEST(NetworkCalibration, SaysWhatItWasNotGiven) {
  NetworkCalibration calibration(network, configuration_of("gpu.json"), options());
  const std::vector<std::string> names = calibration.tensors();
  try {
    calibration.finish();
    FAIL();
  } catch (const InputError& error) {
    for (const std::string& name : names) EXPECT_THAT(error.what(), HasSubstr(name));
  }
}

TEST(NetworkCalibration, RefusesWhatItDidNotAskForAndWhatItCannotRead) {
  NetworkCalibration calibration(network, configuration_of("gpu.json"), options());
  const std::vector<float> values(4, 1.0F);
  EXPECT_THAT(refusal([&] {
                calibration.observe("nobody", {values.data(), DType::f32, {4}, Memory::host, {}});
              }),
              AllOf(HasSubstr("nobody"), HasSubstr("no batch of it is wanted")));
  const std::string name = calibration.tensors().front();
  EXPECT_THAT(refusal([&] {
                calibration.observe(name, {values.data(), DType::f32, {4}, Memory::device, {}});
              }),
              AllOf(HasSubstr(name), HasSubstr("device memory")));
}

}  // namespace
}  // namespace qcal::testing
