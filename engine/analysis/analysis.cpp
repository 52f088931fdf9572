#include "engine/analysis/analysis.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "engine/analysis/checked_parameters.h"
#include "engine/analysis/setting_trials.h"
#include "engine/analysis/warnings.h"
#include "engine/correct/costly_outputs.h"
#include "engine/error.h"
#include "engine/export/qdq_graph.h"
#include "engine/network.h"
#include "engine/replay/layer_replay.h"

namespace qcal {
namespace {

constexpr std::size_t most_shown = 3;
constexpr double least_gain = 0.1;  // dB
constexpr double clearly = 0.2;     // dB that a trial must gain over an earlier, simpler one of its kind
constexpr double worth_more = 0.5;  // dB that a change must gain over one that asks less of the device

// Everything that was read.
struct Material {
  Network network;
  QuantizationPlan plan;
  QuantizationParameters parameters;
  QuantParamsOrigin origin;
  std::unique_ptr<DumpSource> dumps;
  std::vector<std::string> warnings;
};

Material read(const AnalysisRequest& request, const Configuration& configuration) {
  Material material{read_network(request.model, configuration), {},      read_quant_params(request.params),
                    read_quant_params_origin(request.params),   nullptr, {}};
  const std::string file = request.params.string();
  const std::string& sha256 = material.origin.model_sha256;
  if (!sha256.empty() && sha256 != material.network.sha256) {
    throw InputError(fmt::format(
        "{}: parameters of another model file\n  parameters: sha256 {}\n  model:      sha256 {}  {}\n"
        "analyze the model that was calibrated, or calibrate this one",
        file, sha256, material.network.sha256, request.model.string()));
  }
  material.plan = make_plan(material.network.transformed.graph, configuration);
  leave_out_as_in(material.parameters, material.plan);
  check_parameters(material.parameters, material.plan, file);
  material.dumps = dumps_of_network(material.network, open_dumps(request.dumps), material.warnings);
  return material;
}

struct CostedSetting {
  TriedSetting setting;
  TrialCost cost = TrialCost::none;
};

// Which of the tried settings to show: the best of each cost and role, unless one that asks less of the
// device does nearly as well.
std::vector<TriedSetting> best_of(const std::vector<CostedSetting>& tried) {
  std::vector<CostedSetting> best;
  for (const CostedSetting& one : tried) {
    if (!(one.setting.gain >= least_gain)) continue;
    const auto same = std::ranges::find_if(best, [&](const CostedSetting& other) {
      return other.cost == one.cost && other.setting.role == one.setting.role;
    });
    if (same == best.end()) {
      best.push_back(one);
    } else if (one.setting.gain > same->setting.gain + clearly) {
      *same = one;
    }
  }
  std::vector<TriedSetting> shown;
  for (const CostedSetting& one : best) {
    const bool beaten = std::ranges::any_of(best, [&](const CostedSetting& other) {
      return other.cost < one.cost && other.setting.gain + worth_more >= one.setting.gain;
    });
    if (!beaten) shown.push_back(one.setting);
  }
  std::ranges::sort(shown, std::greater<>(), &TriedSetting::gain);
  shown.resize(std::min(shown.size(), most_shown));
  return shown;
}

class Analyzer {
 public:
  Analyzer(const AnalysisRequest& request, const Configuration& configuration)
      : request_(request),
        configuration_(configuration),
        material_(read(request, configuration)),
        library_(request.library ? request.library : open_product_library(*request.backend)),
        context_{material_.network.transformed.graph, *material_.dumps, *library_,
                 configuration.compatibility, request.most_batches},
        layers_(replayed_layers(context_.graph, material_.plan, material_.parameters, *material_.dumps)) {}

  Analysis run() {
    result_.library = library_->name();
    progress_.tensors = material_.plan.tensors.size() + layers_.size();
    for (const PlannedTensor& tensor : material_.plan.tensors) progress_.bytes += bytes(tensor.name);
    std::uint64_t largest = 0;  // what trials of a layer count for, since it is not known yet of which
    for (const ReplayedLayer& layer : layers_) {
      progress_.bytes += bytes(layer.source);
      largest = std::max(largest, bytes(layer.source));
    }
    const std::size_t explained = std::min(request_.explained, layers_.size());
    progress_.tensors += explained;
    progress_.bytes += explained * largest;
    look_at_tensors();
    std::vector<std::pair<LayerError, const ReplayedLayer*>> errors = measure_layers();
    std::ranges::stable_sort(errors, {}, [](const auto& error) { return error.first.both; });
    for (std::size_t i = 0; i < std::min(explained, errors.size()); ++i) {
      errors[i].first.best = best_settings(errors[i].first, *errors[i].second);
      report(largest);
    }
    for (auto& [error, layer] : errors) result_.layers.push_back(std::move(error));
    result_.kernels = integer_kernels(
        quantized_graph(context_.graph, material_.plan, material_.parameters, configuration_.compatibility));
    warn();
    return std::move(result_);
  }

 private:
  std::size_t batches_of(const std::string& tensor) const {
    return material_.dumps->contains(tensor) ? material_.dumps->batches(tensor) : 0;
  }
  std::uint64_t bytes(const std::string& tensor) const {
    const std::size_t recorded = batches_of(tensor);
    const std::size_t taken = spread_batches(recorded, request_.most_batches).size();
    return recorded == 0 ? 0 : material_.dumps->bytes(tensor) / recorded * taken;
  }
  void report(std::uint64_t more_bytes) {
    ++progress_.tensors_done;
    progress_.bytes_done += more_bytes;
    if (request_.on_progress) request_.on_progress(progress_);
  }

  const TensorParameters& parameters_of(const PlannedTensor& tensor) const {
    return *std::ranges::find_if(material_.parameters.tensors, [&](const TensorParameters& found) {
      return found.name == tensor.name && found.role == tensor.role;
    });
  }

  void look_at_tensors() {
    const std::vector<PlannedTensor>& tensors = material_.plan.tensors;
    std::vector<std::optional<TensorUse>> uses(tensors.size());
    std::mutex reporting;
    tbb::parallel_for(std::size_t{0}, tensors.size(), [&](std::size_t at) {
      const TensorParameters& parameters = parameters_of(tensors[at]);
      if (!parameters.scale.empty() && parameters.bit_width <= 16) {
        // A thread that waits must not begin another tensor and hold two batches.
        tbb::this_task_arena::isolate([&] {
          uses[at] = tensor_use(parameters, tensors[at], *material_.dumps, request_.most_batches,
                                configuration_.compatibility);
        });
      }
      const std::lock_guard lock(reporting);
      report(bytes(tensors[at].name));
    });
    for (auto& use : uses) {
      if (use) result_.tensors.push_back(std::move(*use));
    }
  }

  std::vector<std::pair<LayerError, const ReplayedLayer*>> measure_layers() {
    std::vector<std::pair<LayerError, const ReplayedLayer*>> errors;
    for (const ReplayedLayer& layer : layers_) {
      const std::vector<ReplayVariant> variants{{.weights = layer.weights},
                                                {.input = layer.input},
                                                {.input = layer.input, .weights = layer.weights},
                                                {.bias = layer.bias}};
      const Replay measured =
          layer.refused.empty() ? replay(context_, layer, variants) : Replay{{}, 0, layer.refused};
      report(bytes(layer.source));
      if (!measured.refused.empty()) {
        result_.skipped.push_back({layer.node->name, measured.refused});
        continue;
      }
      const std::size_t recorded = batches_of(layer.source);
      result_.recorded_batches = std::max(result_.recorded_batches, recorded);
      result_.batches = std::max(result_.batches, spread_batches(recorded, request_.most_batches).size());
      LayerError& error = errors.emplace_back(LayerError{}, &layer).first;
      error.layer = layer.node->name;
      error.type = layer.type;
      if (layer.input != nullptr) error.input = layer.input->name;
      if (layer.weights != nullptr) error.weights = layer.weights->name;
      error.samples = measured.samples;
      error.weights_only = measured.errors[0].decibels();
      error.activations_only = measured.errors[1].decibels();
      error.both = measured.errors[2].decibels();
      error.bias_only = measured.errors[3].decibels();
    }
    return errors;
  }

  bool never_negative(const std::string& tensor) const {
    const auto use = std::ranges::find(result_.tensors, tensor, &TensorUse::tensor);
    return use != result_.tensors.end() && use->lowest >= 0.0;
  }

  std::vector<TriedSetting> best_settings(const LayerError& error, const ReplayedLayer& layer) const {
    std::vector<CostedSetting> tried;
    for (const PlannedTensor* tensor : {layer.planned_input, layer.planned_weights}) {
      const bool is_input = tensor == layer.planned_input;
      if (tensor == nullptr || (is_input ? layer.input : layer.weights) == nullptr) continue;
      const PlannedTensor& owner = settings_owner(*tensor);
      const auto trials =
          setting_trials(owner, configuration_.target_device.value, never_negative(owner.name));
      const auto found = trial_parameters(owner, trials, *material_.dumps, configuration_, request_.backend);
      std::vector<ReplayVariant> variants;
      std::vector<std::size_t> of_trial;
      for (std::size_t i = 0; i < trials.size(); ++i) {
        const bool is_float = trials[i].cost == TrialCost::floating_point;
        if (!is_float && (!found[i] || found[i]->scale.empty())) continue;
        const TensorParameters* changed = is_float ? nullptr : &*found[i];
        variants.push_back(is_input ? ReplayVariant{changed, layer.weights, nullptr}
                                    : ReplayVariant{layer.input, changed, nullptr});
        of_trial.push_back(i);
      }
      const Replay measured = replay(context_, layer, variants);
      for (std::size_t i = 0; i < variants.size(); ++i) {
        const SettingTrial& trial = trials[of_trial[i]];
        const double decibels = measured.errors[i].decibels();
        tried.push_back({{owner.layer, owner.role, owner.name, trial.change, decibels, decibels - error.both},
                         trial.cost});
      }
    }
    return best_of(tried);
  }

  // A tensor without parameters of its own takes those of another, whose settings count.
  const PlannedTensor& settings_owner(const PlannedTensor& tensor) const {
    if (tensor.same_as.empty()) return tensor;
    return *std::ranges::find(material_.plan.tensors, tensor.same_as, &PlannedTensor::name);
  }

  void warn() {
    result_.warnings = material_.warnings;
    for (const LayerError& layer : result_.layers) {
      if (!(layer.bias_only < layer.both)) continue;
      result_.warnings.push_back(
          fmt::format("{}: its bias costs more than its weights and activations together ({:.1f} dB); more "
                      "\"bit_width\" for \"bias\" helps, 32 is exact",
                      layer.layer, layer.bias_only));
    }
    for (std::string& warning :
         analysis_warnings(material_.plan, material_.parameters, configuration_.target_device.value,
                           result_.tensors, material_.origin.bias_corrections)) {
      result_.warnings.push_back(std::move(warning));
    }
    ReachedBounds seen = watched_bounds(material_.network);
    for (const std::string& tensor : material_.network.transformed.unclipped) {
      for (const std::size_t index : spread_batches(batches_of(tensor), request_.most_batches))
        seen.observe(tensor, *material_.dumps->parts(tensor, index));
    }
    if (auto lost = lost_bounds_warning(material_.network, *material_.dumps, seen))
      result_.warnings.push_back(std::move(*lost));
  }

  const AnalysisRequest& request_;
  const Configuration& configuration_;
  Material material_;
  std::shared_ptr<const ProductLibrary> library_;
  ReplayContext context_;
  std::vector<ReplayedLayer> layers_;
  Analysis result_;
  Progress progress_;
};

}  // namespace

Analysis analyze(const AnalysisRequest& request, const Configuration& configuration) {
  return Analyzer(request, configuration).run();
}

}  // namespace qcal
