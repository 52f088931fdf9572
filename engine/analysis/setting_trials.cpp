#include "engine/analysis/setting_trials.h"

#include <fmt/format.h>

#include "config/setting_names.h"
#include "engine/calibrator.h"
#include "kernels/error.h"

namespace qcal {
namespace {

struct MethodChoice {
  Method method;
  double percentage = 99.99;  // of a percentile
};

class TrialList {
 public:
  explicit TrialList(const TensorSettings& settings) : settings_(settings) {}

  // Adds the settings after `change`, named so.
  template <class Change>
  void add(std::string name, TrialCost cost, const Change& change) {
    TensorSettings settings = settings_;
    change(settings);
    trials_.push_back({std::move(name), std::move(settings), cost});
  }

  void add_method(const MethodChoice& choice) {
    const bool is_percentile = choice.method == Method::percentile;
    const bool in_force = settings_.method.value == choice.method &&
                          (!is_percentile || settings_.percentage.value == choice.percentage);
    if (in_force) return;
    std::string name = fmt::format("\"method\": \"{}\"", spelling(choice.method));
    if (is_percentile) name += fmt::format(", \"percentage\": {}", choice.percentage);
    add(std::move(name), TrialCost::none, [&](TensorSettings& settings) {
      settings.method.value = choice.method;
      if (is_percentile) settings.percentage.value = choice.percentage;
    });
  }

  std::vector<SettingTrial> take() { return std::move(trials_); }

 private:
  const TensorSettings& settings_;
  std::vector<SettingTrial> trials_;
};

}  // namespace

std::vector<SettingTrial> setting_trials(const PlannedTensor& tensor, TargetDevice target,
                                         bool never_negative) {
  const TensorSettings& settings = tensor.settings;
  const bool is_dpu = target == TargetDevice::dpu;
  const bool is_weights = tensor.role == Role::weights;
  TrialList list(settings);
  const auto change = [&](const char* name, const auto& set) { list.add(name, TrialCost::none, set); };
  if (!is_dpu) {  // which has one signed power-of-two scale a tensor, and no zero point
    if (is_weights && !settings.per_channel.value && tensor.channel_axis)
      change("\"per_channel\": true", [](TensorSettings& s) { s.per_channel.value = true; });
    const bool is_signed = settings.is_signed.value == Signedness::is_signed;
    if (!is_weights && never_negative && settings.symmetry.value && is_signed)
      change("\"signed\": \"auto\"", [](TensorSettings& s) { s.is_signed.value = Signedness::automatic; });
    if (!is_weights && settings.symmetry.value)
      change("\"symmetry\": false", [](TensorSettings& s) { s.symmetry.value = false; });
    if (settings.scale_type.value == ScaleType::power_of_two)
      change("\"scale_type\": \"float\"",
             [](TensorSettings& s) { s.scale_type.value = ScaleType::float_scale; });
  }
  list.add_method({Method::maxmin});
  list.add_method({is_dpu ? Method::diffs : Method::mse});
  if (!is_dpu && !is_weights) {
    list.add_method({Method::percentile, 99.99});
    list.add_method({Method::percentile, 99.999});
  }
  if (settings.bit_width.value < 16)
    list.add("\"bit_width\": 16", TrialCost::wider_integers,
             [](TensorSettings& s) { s.bit_width.value = 16; });
  list.add("\"datatype\": \"float32\"", TrialCost::floating_point,
           [](TensorSettings& s) { s.datatype.value = Datatype::float32; });
  return list.take();
}

std::vector<std::optional<TensorParameters>> trial_parameters(const PlannedTensor& tensor,
                                                              const std::vector<SettingTrial>& trials,
                                                              const DumpSource& dumps,
                                                              const Configuration& configuration,
                                                              const std::shared_ptr<const Backend>& backend) {
  // One calibrator each, so that the refusal of one trial leaves the others.
  std::vector<std::optional<Calibrator>> calibrators(trials.size());
  const auto attempt = [&](std::size_t trial, const auto& work) {
    if (!calibrators[trial]) return;
    try {
      work(*calibrators[trial]);
    } catch (const InvalidArgument&) {
      calibrators[trial].reset();
    }
  };
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (trials[i].settings.datatype.value != Datatype::integer) continue;
    calibrators[i].emplace(configuration, backend, CalibratorOptions{NonFinite::ignore});
    PlannedTensor changed = tensor;
    changed.settings = trials[i].settings;
    attempt(i, [&](Calibrator& calibrator) { calibrator.declare(changed); });
  }
  const auto observe = [&](const TensorParts& batch) {
    for (std::size_t i = 0; i < trials.size(); ++i)
      attempt(i, [&](Calibrator& calibrator) { calibrator.observe(tensor.name, batch); });
  };
  if (tensor.parameter) {
    const TensorView values = values_of(tensor);
    observe(WholeTensor(values));
  } else if (dumps.contains(tensor.name)) {
    for (std::size_t index = 0; index < dumps.batches(tensor.name); ++index)
      observe(*dumps.parts(tensor.name, index));
  }
  std::vector<std::optional<TensorParameters>> found(trials.size());
  for (std::size_t i = 0; i < trials.size(); ++i)
    attempt(i, [&](Calibrator& calibrator) { found[i] = calibrator.finish().tensors.at(0); });
  return found;
}

}  // namespace qcal
