// Whole networks on the CUDA back end: the files that the CPU's run writes, to the byte.
#include <gtest/gtest.h>

#include "engine/config_file.h"
#include "engine/pipeline.h"
#include "tests/support/test_backend.h"

namespace qcal::testing {
namespace {

const std::filesystem::path models = QCAL_MODELS;

std::string calibrated(const std::string& network, const std::string& config,
                       const std::shared_ptr<const Backend>& backend, int threads) {
  const std::filesystem::path folder = models / network;
  const CalibrationResult result =
      calibrate_model(folder / (network + ".ts.op13.bn.onnx"), folder / "dump",
                      load_config((models / "configs" / config).string()), {backend, threads, {}, {}});
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

}  // namespace
}  // namespace qcal::testing
