// Whole networks on the CUDA back end: the files that the CPU's run writes, to the byte.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/config_file.h"
#include "engine/pipeline.h"
#include "tests/support/test_backend.h"

namespace qcal::testing {
namespace {

const std::filesystem::path models = QCAL_MODELS;

CalibrationResult calibrated_with(const Configuration& configuration, const std::string& network,
                                  const std::shared_ptr<const Backend>& backend, int threads) {
  const std::filesystem::path folder = models / network;
  return calibrate_model(folder / (network + ".ts.op13.bn.onnx"), folder / "dump", configuration,
                         {backend, threads, {}, {}});
}

std::string calibrated(const std::string& network, const std::string& config,
                       const std::shared_ptr<const Backend>& backend, int threads) {
  const CalibrationResult result =
      calibrated_with(load_config((models / "configs" / config).string()), network, backend, threads);
  return quant_params_json(result.parameters, result.context);
}

TEST(CudaPipeline, NetworksGetTheCpusParameters) {
  for (const char* config : {"cpu.json", "gpu.json", "dpu.json"}) {
    EXPECT_EQ(calibrated("rn_digits", config, test_backend(), 3),
              calibrated("rn_digits", config, Backend::cpu(), 1))
        << config;
  }
  EXPECT_EQ(calibrated("mbv2_digits", "gpu.json", test_backend(), 2),
            calibrated("mbv2_digits", "gpu.json", Backend::cpu(), 2));
}

TEST(CudaPipeline, BiasesGetTheCpusCorrections) {
  Configuration configuration = load_config((models / "configs" / "gpu.json").string());
  configuration.include_bias_corr.value = true;
  for (const char* network : {"rn_digits", "mbv2_digits"}) {
    const CalibrationResult found = calibrated_with(configuration, network, test_backend(), 2);
    const CalibrationResult expected = calibrated_with(configuration, network, Backend::cpu(), 1);
    EXPECT_EQ(found.context.bias_corrections, expected.context.bias_corrections);
    EXPECT_EQ(found.parameters, expected.parameters);
    EXPECT_TRUE(
        std::ranges::any_of(expected.context.bias_corrections, [](const auto& one) { return one.kept; }));
  }
}

}  // namespace
}  // namespace qcal::testing
