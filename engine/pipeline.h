// The whole job: a network, its recorded activations and a configuration in; parameters out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/calibrator.h"
#include "engine/correct/dpu_rules.h"
#include "engine/dumps/dump_source.h"
#include "engine/export/quant_params.h"
#include "engine/graph/graph.h"
#include "engine/graph/onnx_writer.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// How far a calibration has come.
struct Progress {
  std::size_t tensors_done = 0;
  std::size_t tensors = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes = 0;
};

struct RunOptions {
  std::shared_ptr<const Backend> backend = {};
  int threads = 0;  // 0: as many as the machine has
  std::optional<NonFinite> non_finite = {};
  // Called from any thread, one call at a time; may be empty.
  std::function<void(const Progress&)> on_progress = {};
  Alignment align{};  // read where the target is the DPU
};

struct CalibrationResult {
  QuantizationParameters parameters;
  ExportContext context;
  std::vector<std::string> warnings;
  // What was calibrated: the network as the configuration changes it, without the bounds a channel that no
  // recorded value reaches. Empty where there was no network.
  Graph graph;
  // The quantized network as an ONNX file, and what is too large for it, for a file of that name beside it.
  // Empty where there was no network, or it cannot be written.
  OnnxFiles quantized;
  static constexpr const char* data_file = "quantized.onnx.data";
};

// Streams every tensor of the plan through collectors. Parameters come from the plan, everything else from
// `dumps`. Memory: one batch a thread, plus what the search needs. Throws InputError for tensors that the
// dump lacks (all of them in one message) and InvalidArgument (see Calibrator::observe).
QuantizationParameters collect(const QuantizationPlan& plan, const DumpSource& dumps,
                               const Configuration& configuration, const RunOptions& options);

// calib_run calibrate: read, normalise, plan, collect, search and correct. Throws InputError where the dump
// was recorded from another model file.
CalibrationResult calibrate_model(const std::filesystem::path& model, const std::filesystem::path& dumps,
                                  const Configuration& configuration, const RunOptions& options);

// calib_run tensors: every tensor of the dump in one role, with the model's settings; no network.
CalibrationResult calibrate_tensors(const std::filesystem::path& dumps, Role role,
                                    std::optional<int> channel_axis, const Configuration& configuration,
                                    const RunOptions& options);

}  // namespace qcal
