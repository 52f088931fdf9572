#include "engine/pipeline.h"

#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "config/describe.h"
#include "config/resolve.h"
#include "engine/correct/correct.h"
#include "engine/error.h"
#include "engine/export/quantized_model.h"
#include "engine/network.h"
#include "engine/plan/plan_notes.h"
#include "engine/plan/quantization_plan.h"
#include "engine/version.h"

namespace qcal {
namespace {

// Counts what is done and tells the caller, one call at a time.
class ProgressReport {
 public:
  ProgressReport(std::size_t tensors, std::uint64_t bytes,
                 const std::function<void(const Progress&)>& listener)
      : listener_(listener) {
    progress_.tensors = tensors;
    progress_.bytes = bytes;
    tell();
  }

  void batch_done(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    progress_.bytes_done += bytes;
    tell();
  }
  void tensor_done() {
    const std::lock_guard lock(mutex_);
    ++progress_.tensors_done;
    tell();
  }

 private:
  void tell() const {
    if (listener_) listener_(progress_);
  }

  std::mutex mutex_;
  Progress progress_;
  const std::function<void(const Progress&)>& listener_;
};

bool needs_dump(const PlannedTensor& tensor) {
  return !tensor.parameter && tensor.same_as.empty() && tensor.settings.datatype.value == Datatype::integer;
}

void require_recorded(const QuantizationPlan& plan, const DumpSource& dumps) {
  std::vector<std::string> missing;
  for (const PlannedTensor& tensor : plan.tensors) {
    if (needs_dump(tensor) && (!dumps.contains(tensor.name) || dumps.batches(tensor.name) == 0)) {
      missing.push_back(tensor.name);
    }
  }
  if (missing.empty()) return;
  constexpr std::size_t shown = 10;
  std::string text = dumps.description() + ": " + std::to_string(missing.size()) +
                     " of the tensors to quantize were not recorded:";
  for (std::size_t i = 0; i < std::min(shown, missing.size()); ++i) text += "\n  " + missing[i];
  if (missing.size() > shown) text += "\n  and " + std::to_string(missing.size() - shown) + " more";
  throw InputError(text + "\n`calib_run explain --tensors` prints the names that a dump must hold");
}

// Bytes of one tensor's batches, as progress counts them.
std::uint64_t tensor_bytes(const PlannedTensor& tensor, const DumpSource& dumps) {
  if (tensor.parameter) return tensor.parameter->values.size() * sizeof(float);
  const bool is_read = needs_dump(tensor) || dumps.contains(tensor.name);
  return is_read && tensor.settings.datatype.value == Datatype::integer ? dumps.bytes(tensor.name) : 0;
}

void observe_tensor(const PlannedTensor& tensor, const DumpSource& dumps, Calibrator& calibrator,
                    const BatchVisitor& visit, ProgressReport& report) {
  if (tensor.settings.datatype.value != Datatype::integer) return;
  const bool is_calibrated = tensor.same_as.empty();
  const auto observe = [&](const TensorParts& batch, std::size_t index) {
    // Without isolation a thread that waits for its own batch could start another tensor and hold two
    // batches.
    if (is_calibrated) {
      tbb::this_task_arena::isolate(
          [&] { calibrator.observe(tensor.name, batch, {}, static_cast<std::int64_t>(index)); });
    }
    std::uint64_t elements = 1;
    for (const std::int64_t extent : batch.shape()) elements *= static_cast<std::uint64_t>(extent);
    report.batch_done(elements * size_of(batch.dtype()));
  };
  if (tensor.parameter) {
    const TensorView values = tensor.parameter->view();
    observe(WholeTensor(values), 0);
  } else {
    for (std::size_t index = 0; index < dumps.batches(tensor.name); ++index) {
      const auto batch = dumps.parts(tensor.name, index);
      observe(*batch, index);
      if (visit) visit(tensor.name, *batch);
    }
  }
  if (is_calibrated) calibrator.complete(tensor.name);
}

// In plan order, each tensor that has another's parameters with a copy of these.
QuantizationParameters with_shared_parameters(const QuantizationPlan& plan, QuantizationParameters found) {
  QuantizationParameters all;
  auto next = found.tensors.begin();
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.same_as.empty()) {
      all.tensors.push_back(std::move(*next++));
      continue;
    }
    all.tensors.push_back(*std::ranges::find(all.tensors, tensor.same_as, &TensorParameters::name));
    TensorParameters& copy = all.tensors.back();
    copy.name = tensor.name;
    copy.role = tensor.role;
    copy.layer = tensor.layer;
    copy.layer_type = tensor.layer_type;
  }
  return all;
}

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

QuantizationPlan plan_of_dump(const DumpSource& dumps, Role role, std::optional<int> channel_axis,
                              const Configuration& configuration) {
  QuantizationPlan plan;
  for (const std::string& name : dumps.names()) {
    PlannedTensor tensor;
    tensor.name = name;
    tensor.role = role;
    tensor.channel_axis = channel_axis;
    tensor.settings = configuration.tensor_settings[role];
    plan.tensors.push_back(std::move(tensor));
  }
  return plan;
}

}  // namespace

QuantizationParameters collect(const QuantizationPlan& plan, const DumpSource& dumps,
                               const Configuration& configuration, const RunOptions& options,
                               const BatchVisitor& visit) {
  require_recorded(plan, dumps);
  Calibrator calibrator(configuration, options.backend, {options.non_finite});
  std::vector<const PlannedTensor*> tensors;
  std::uint64_t bytes = 0;
  for (const PlannedTensor& tensor : plan.tensors) {
    const bool is_calibrated = tensor.same_as.empty();
    if (is_calibrated) calibrator.declare(tensor);
    if (!is_calibrated && !(visit && dumps.contains(tensor.name))) continue;
    tensors.push_back(&tensor);
    bytes += tensor_bytes(tensor, dumps);
  }
  // Large ones first, so that the last tensor to finish is a small one.
  std::stable_sort(tensors.begin(), tensors.end(), [&](const PlannedTensor* a, const PlannedTensor* b) {
    return tensor_bytes(*a, dumps) > tensor_bytes(*b, dumps);
  });
  ProgressReport report(tensors.size(), bytes, options.on_progress);
  const int threads = options.threads > 0 ? options.threads : tbb::info::default_concurrency();
  const tbb::global_control allow(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  std::atomic<std::size_t> next = 0;
  arena.execute([&] {
    tbb::parallel_for(0, threads, [&](int) {
      for (std::size_t at = next++; at < tensors.size(); at = next++) {
        observe_tensor(*tensors[at], dumps, calibrator, visit, report);
        report.tensor_done();
      }
    });
  });
  return with_shared_parameters(plan, calibrator.finish());
}

CalibrationResult calibrate_model(const std::filesystem::path& model,
                                  const std::filesystem::path& dump_directory,
                                  const Configuration& configuration, const RunOptions& options) {
  CalibrationResult result;
  const Network network = read_network(model, configuration);
  const Graph& graph = network.transformed.graph;
  const QuantizationPlan plan = make_plan(graph, configuration);
  const auto dumps = dumps_of_network(network, open_dumps(dump_directory), result.warnings);
  for (const PlanNote& note : plan.notes) result.warnings.push_back(note.subject + ": " + note.text);
  std::optional<BiasCorrector> corrector;
  if (configuration.include_bias_corr.value) corrector.emplace(graph, plan, *options.backend);
  ReachedBounds seen = watched_bounds(network);
  const auto visit = [&](const std::string& tensor, const TensorParts& batch) {
    seen.observe(tensor, batch);
    if (corrector) corrector->observe(tensor, batch);
  };
  result.parameters = collect(plan, *dumps, configuration, options, visit);
  seen.observe_rest(*dumps);
  if (const auto warning = lost_bounds_warning(network, *dumps, seen)) result.warnings.push_back(*warning);
  result.graph = without_unreached_bounds(network, seen).transformed.graph;
  result.context = {version(), model.filename().string(), network.sha256, configuration_json(configuration),
                    transform_status(result.graph, configuration)};
  correct_result(graph, plan, configuration, *dumps, options, corrector ? &*corrector : nullptr, result);
  write_quantized(network, plan, configuration, result);
  return result;
}

CalibrationResult calibrate_tensors(const std::filesystem::path& dump_directory, Role role,
                                    std::optional<int> channel_axis, const Configuration& configuration,
                                    const RunOptions& options) {
  CalibrationResult result;
  const std::unique_ptr<DumpSource> dumps = open_dumps(dump_directory);
  result.parameters =
      collect(plan_of_dump(*dumps, role, channel_axis, configuration), *dumps, configuration, options);
  result.context = {version(), "", dumps->model_sha256().value_or(""), configuration_json(configuration), {}};
  return result;
}

}  // namespace qcal
