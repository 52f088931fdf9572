#include "config/default_settings.h"
#include "config/parse_config.h"
#include "config/setting_names.h"
#include "config/setting_table.h"

namespace qcal {
namespace {

std::string reason(TargetDevice target, Compatibility compatibility) {
  if (compatibility == Compatibility::vitis) return "default of vai_q_pytorch";
  return "default for " + std::string(spelling(target)) +
         (target == TargetDevice::dpu ? " (UG1414's default listing)" : " (UG1414's example file)");
}

TensorSettings dpu_settings(Role role) {
  TensorSettings settings;
  settings.method.value = Method::diffs;
  settings.round_mode.value = role == Role::activation ? RoundMode::half_up : RoundMode::std_round;
  settings.scale_type.value = ScaleType::power_of_two;
  settings.calib_statistic_method.value = BatchStatistic::modal;
  return settings;
}

// What the target's kernels take (engine/plan/placement.h).
Placement default_placement(TargetDevice target, Compatibility compatibility) {
  if (compatibility == Compatibility::vitis) return Placement::groups;
  switch (target) {
    case TargetDevice::cpu:
      return Placement::fused;
    case TargetDevice::gpu:
      return Placement::compute;
    case TargetDevice::dpu:
      break;
  }
  return Placement::groups;
}

TensorSettings cpu_settings() {
  TensorSettings settings;
  settings.method.value = Method::maxmin;
  settings.round_mode.value = RoundMode::half_even;
  settings.scale_type.value = ScaleType::float_scale;
  settings.calib_statistic_method.value = BatchStatistic::max;
  return settings;
}

// Settings that UG1414 does not have are ours; the others have `source`.
template <class Setting>
Source default_source(const Setting& setting, const Source& source) {
  return setting.required == Required::yes ? source : Source{.setting = "default"};
}

}  // namespace

Configuration default_configuration_for(TargetDevice target, Compatibility compatibility) {
  const bool as_dpu = target == TargetDevice::dpu || compatibility == Compatibility::vitis;
  const Source source{.setting = reason(target, compatibility)};

  Configuration configuration;
  configuration.compatibility = compatibility;
  configuration.target_device.value = target;
  configuration.include_cle.value = as_dpu;
  configuration.include_bias_corr.value = as_dpu;
  configuration.placement.value = default_placement(target, compatibility);
  configuration.min_output_sqnr.value = default_min_output_sqnr;
  for_each_model_setting(
      [&](const auto& setting) { (configuration.*setting.value).source = default_source(setting, source); });

  configuration.placement.source = {.setting = "default for " + std::string(spelling(target))};

  for (const Role role : all_roles) {
    configuration.quantizable[role] = {true, source};
    TensorSettings& settings = configuration.tensor_settings[role];
    settings = as_dpu ? dpu_settings(role) : cpu_settings();
    settings.percentage.value = default_percentage;
    for_each_tensor_setting(
        [&](const auto& setting) { (settings.*setting.resolved).source = default_source(setting, source); });
  }
  // The one value that differs from UG1414's listing says why.
  if (as_dpu) {
    configuration.tensor_settings[Role::activation].round_mode.source = {
        .setting =
            "default tensor_quantize_config.activation.round_mode (the DPU rounds activations half_up)"};
  }
  return configuration;
}

Configuration default_configuration(Compatibility compatibility) {
  return default_configuration_for(TargetDevice::dpu, compatibility);
}

}  // namespace qcal
