#include "engine/run/result_files.h"

#include <utility>

#include "engine/export/quant_info.h"
#include "engine/export/quant_params.h"

namespace qcal {

std::string add_result_files(AtomicOutput& out, CalibrationResult& result, const Configuration& configuration,
                             const ResultFileOptions& options) {
  std::string params = quant_params_json(result.parameters, result.context);
  out.add("quant_params.json", params);
  out.add("quant_info.json",
          quant_info_json(result.parameters, {options.names, configuration.compatibility}));
  if (options.runtime == Runtime::tensorrt) out.add("tensorrt.cache", tensorrt_cache(result.parameters));
  if (!result.quantized.model.empty()) out.add("quantized.onnx", std::move(result.quantized.model));
  if (!result.quantized.data.empty()) out.add(CalibrationResult::data_file, std::move(result.quantized.data));
  return params;
}

std::vector<std::string> runtime_warnings(const CalibrationResult& result, const Configuration& configuration,
                                          std::optional<Runtime> runtime) {
  const bool has_network = !result.graph.nodes.empty();
  if (!has_network || (!runtime && configuration.target_device.value == TargetDevice::dpu)) return {};
  return runtime_problems(result.parameters, runtime.value_or(Runtime::onnxruntime));
}

}  // namespace qcal
