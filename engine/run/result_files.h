// The files of a calibration.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/export/atomic_output.h"
#include "engine/export/runtime_check.h"
#include "engine/pipeline.h"

namespace qcal {

struct ResultFileOptions {
  std::map<std::string, std::string> names{};  // tensor name to its name in quant_info.json
  std::optional<Runtime> runtime{};            // tensorrt: tensorrt.cache too
};

// Adds quant_params.json and quant_info.json to `out` and, where there is a network, quantized.onnx and what
// is too large for it, which it takes out of `result`. Returns the text of the first.
std::string add_result_files(AtomicOutput& out, CalibrationResult& result, const Configuration& configuration,
                             const ResultFileOptions& options = {});

// What `runtime` would not take of the result, a line each. A DPU's network goes through Vitis AI's compiler,
// so that onnxruntime's demands, the default, interest only who asks; nor is there anything to say without a
// network.
std::vector<std::string> runtime_warnings(const CalibrationResult& result, const Configuration& configuration,
                                          std::optional<Runtime> runtime);

}  // namespace qcal
