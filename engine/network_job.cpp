#include "engine/network_job.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "config/describe.h"
#include "engine/correct/correct.h"
#include "engine/error.h"
#include "engine/export/quantized_model.h"
#include "engine/plan/plan_notes.h"
#include "engine/version.h"

namespace qcal {
namespace {

void count_corrections(ExportContext& context) {
  const auto status = std::ranges::find(context.transforms, "include_bias_corr", &TransformStatus::name);
  const auto kept = std::ranges::count(context.bias_corrections, true, &BiasCorrection::kept);
  status->details = {std::to_string(kept) + " of " + std::to_string(context.bias_corrections.size()) +
                     " layers, on float inputs"};
}

// Device rules and bias correction: what the search found becomes what is written.
void correct_result(const Graph& graph, const QuantizationPlan& plan, const Configuration& configuration,
                    const DumpSource& dumps, const RunOptions& options, const BiasCorrector* corrector,
                    CalibrationResult& result) {
  RunOptions quiet = options;
  quiet.on_progress = {};
  const auto search = [&](const QuantizationPlan& biases) {
    return collect(biases, dumps, configuration, quiet);
  };
  Corrected corrected =
      correct(graph, plan, configuration, options.align, corrector, std::move(result.parameters), search);
  result.parameters = std::move(corrected.parameters);
  result.context.adjustments = std::move(corrected.adjustments);
  result.context.bias_corrections = std::move(corrected.bias_corrections);
  if (corrector != nullptr) count_corrections(result.context);
  for (const PlanNote& note : corrected.notes) result.warnings.push_back(note.subject + ": " + note.text);
}

// Parameters are worth having even for a network that cannot be written.
void write_quantized(const Network& network, const QuantizationPlan& plan, const Configuration& configuration,
                     CalibrationResult& result) {
  try {
    result.quantized = quantized_model({network.file, network.as_read, result.graph, plan, result.parameters,
                                        result.context.bias_corrections, configuration.compatibility},
                                       CalibrationResult::data_file);
  } catch (const InputError& error) {
    result.warnings.push_back(std::string("quantized.onnx is not written: ") + error.what());
  }
}

NetworkWatch watch_of(const Network& network, const QuantizationPlan& plan,
                      const Configuration& configuration, const RunOptions& options) {
  std::optional<BiasCorrector> corrector;
  if (configuration.include_bias_corr.value)
    corrector.emplace(network.transformed.graph, plan, *options.backend);
  return {watched_bounds(network), std::move(corrector)};
}

}  // namespace

NetworkJob::NetworkJob(const std::filesystem::path& model, const Configuration& configuration,
                       RunOptions options)
    : configuration_(configuration),
      options_(std::move(options)),
      network_(read_network(model, configuration)),
      plan_(make_plan(network_.transformed.graph, configuration)),
      watch_(watch_of(network_, plan_, configuration, options_)) {}

std::vector<std::string> NetworkJob::warnings() const {
  std::vector<std::string> lines;
  for (const PlanNote& note : plan_.notes) lines.push_back(note.subject + ": " + note.text);
  return lines;
}

CalibrationResult NetworkJob::finish(QuantizationParameters found, const DumpSource& dumps,
                                     std::vector<std::string> warnings) {
  CalibrationResult result;
  result.parameters = std::move(found);
  result.warnings = std::move(warnings);
  const ReachedBounds& seen = watch_.bounds();
  if (const auto warning = lost_bounds_warning(network_, dumps, seen)) result.warnings.push_back(*warning);
  result.graph = without_unreached_bounds(network_, seen).transformed.graph;
  result.context = {version(), network_.file.filename().string(), network_.sha256,
                    configuration_json(configuration_), transform_status(result.graph, configuration_)};
  correct_result(network_.transformed.graph, plan_, configuration_, dumps, options_, watch_.corrector(),
                 result);
  write_quantized(network_, plan_, configuration_, result);
  return result;
}

}  // namespace qcal
