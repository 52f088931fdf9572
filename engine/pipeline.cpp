#include "engine/pipeline.h"

#include "engine/run/calibration_run.h"
#include "engine/run/collection.h"

namespace qcal {

QuantizationParameters collect(const QuantizationPlan& plan, const DumpSource& dumps,
                               const Configuration& configuration, const RunOptions& options) {
  Collection collection(plan, dumps, configuration, options, nullptr);
  collection.read({});
  return collection.finish();
}

CalibrationResult calibrate_model(const std::filesystem::path& model, const std::filesystem::path& dumps,
                                  const Configuration& configuration, const RunOptions& options) {
  CalibrationRun run({.model = model, .configuration = configuration}, open_dumps(dumps), options);
  run.read();
  return run.finish();
}

CalibrationResult calibrate_tensors(const std::filesystem::path& dumps, Role role,
                                    std::optional<int> channel_axis, const Configuration& configuration,
                                    const RunOptions& options) {
  CalibrationRun run(
      {.model = {}, .role = role, .channel_axis = channel_axis, .configuration = configuration},
      open_dumps(dumps), options);
  run.read();
  return run.finish();
}

}  // namespace qcal
