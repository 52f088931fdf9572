#include "engine/run/network_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "config/describe.h"
#include "config/value_text.h"
#include "engine/correct/correct.h"
#include "engine/error.h"
#include "engine/export/quantized_model.h"
#include "engine/plan/plan_notes.h"
#include "engine/version.h"

namespace qcal {
namespace {

void count_corrections(ExportContext& context, const std::string& inputs) {
  const auto status = std::ranges::find(context.transforms, "include_bias_corr", &TransformStatus::name);
  const auto kept = std::ranges::count(context.bias_corrections, true, &BiasCorrection::kept);
  status->details = {std::to_string(kept) + " of " + std::to_string(context.bias_corrections.size()) +
                     " layers, " + inputs};
}

std::string warning_of(const CostlyOutput& output) {
  return fmt::format(
      "{}: its result stays in float: quantized it would keep {:.1f} dB, and min_output_sqnr is {}",
      output.layer, output.sqnr, value_text(output.min_output_sqnr));
}

NetworkWatch watch_of(const Network& network, const QuantizationPlan& plan,
                      const Configuration& configuration, const RunOptions& options) {
  std::optional<BiasCorrector> corrector;
  if (configuration.include_bias_corr.value)
    corrector.emplace(network.transformed.graph, plan, *options.backend);
  return {watched_bounds(network), OutputCosts(plan), std::move(corrector)};
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
  found = without_costly_outputs(std::move(found));
  return result(correct(graph(), plan_, configuration_, options_.align, watch_.corrector(), std::move(found),
                        search(dumps)),
                dumps, std::move(warnings), "on float inputs");
}

QuantizationParameters NetworkJob::without_costly_outputs(QuantizationParameters found) {
  costly_outputs_ = watch_.outputs().costly(plan_, found, compatibility());
  leave_out(costly_outputs_, plan_, found);
  return found;
}

BiasCorrector NetworkJob::bias_corrector() const {
  return {graph(), plan_, *options_.backend};
}

Corrected NetworkJob::corrected(const QuantizationParameters& found, std::vector<BiasCorrection> corrections,
                                const DumpSource& dumps) const {
  return with_corrections(graph(), plan_, configuration_, options_.align, std::move(corrections), found,
                          search(dumps));
}

OnnxFiles NetworkJob::quantized(const Corrected& corrected) const {
  const Graph graph = without_unreached_bounds(network_, watch_.bounds()).transformed.graph;
  return quantized_model({network_.file, network_.as_read, graph, plan_, corrected.parameters,
                          corrected.bias_corrections, configuration_.compatibility},
                         CalibrationResult::data_file);
}

CalibrationResult NetworkJob::result(Corrected corrected, const DumpSource& dumps,
                                     std::vector<std::string> warnings, const std::string& inputs) const {
  CalibrationResult result;
  result.warnings = std::move(warnings);
  const ReachedBounds& seen = watch_.bounds();
  if (const auto warning = lost_bounds_warning(network_, dumps, seen)) result.warnings.push_back(*warning);
  for (const CostlyOutput& output : costly_outputs_) result.warnings.push_back(warning_of(output));
  for (const PlanNote& note : corrected.notes) result.warnings.push_back(note.subject + ": " + note.text);
  // Parameters are worth having even for a network that cannot be written.
  try {
    result.quantized = quantized(corrected);
  } catch (const InputError& error) {
    result.warnings.push_back(std::string("quantized.onnx is not written: ") + error.what());
  }
  result.graph = without_unreached_bounds(network_, seen).transformed.graph;
  result.context = {version(), network_.file.filename().string(), network_.sha256,
                    configuration_json(configuration_), transform_status(result.graph, configuration_)};
  result.context.adjustments = std::move(corrected.adjustments);
  result.context.costly_outputs = costly_outputs_;
  result.context.bias_corrections = std::move(corrected.bias_corrections);
  if (watch_.corrector() != nullptr) count_corrections(result.context, inputs);
  result.parameters = std::move(corrected.parameters);
  return result;
}

// Biases are parameters of the network: nothing is read.
ParameterSearch NetworkJob::search(const DumpSource& dumps) const {
  return [this, &dumps](const QuantizationPlan& biases) {
    RunOptions quiet = options_;
    quiet.on_progress = {};
    return collect(biases, dumps, configuration_, quiet);
  };
}

}  // namespace qcal
