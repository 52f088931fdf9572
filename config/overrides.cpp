#include "config/overrides.h"

#include "config/default_settings.h"
#include "config/setting_table.h"

namespace qcal {

bool empty(const TensorOverrides& overrides) {
  bool none = true;
  for_each_tensor_setting(
      [&](const auto& setting) { none = none && !(overrides.*setting.overriding).has_value(); });
  return none;
}

void lay_over(const TensorOverrides& overrides, Compatibility compatibility, TensorSettings& settings) {
  for_each_tensor_setting([&](const auto& setting) {
    if (const auto& override_value = overrides.*setting.overriding)
      settings.*setting.resolved = *override_value;
  });
  const bool resets = compatibility == Compatibility::vitis && !empty(overrides) && !overrides.percentage &&
                      settings.method.value == Method::percentile;
  if (resets) settings.percentage = {default_percentage, {.setting = "default, as vai_q_pytorch resets it"}};
}

void lay_over(const LayerEntry& entry, Role role, Compatibility compatibility, TensorSettings& settings) {
  lay_over(entry.overall, compatibility, settings);
  lay_over(entry.per_tensor[role], compatibility, settings);
}

}  // namespace qcal
