#include "config/resolve.h"

#include "config/overrides.h"

namespace qcal {
namespace {

bool is_by_type(const LayerEntry& entry) {
  return entry.layer_type.has_value();
}

TensorSettings resolve_standard(const Configuration& configuration, const LayerIdentity& layer, Role role) {
  TensorSettings settings = configuration.tensor_settings[role];
  for (const bool by_type : {true, false}) {
    for (const LayerEntry& entry : configuration.layers) {
      if (is_by_type(entry) == by_type && entry.overrides_role[role] && selects(entry, layer))
        lay_over(entry, role, configuration.compatibility, settings);
    }
  }
  return settings;
}

const LayerEntry* last_match(const Configuration& configuration, const LayerIdentity& layer, bool by_type) {
  const LayerEntry* match = nullptr;
  for (const LayerEntry& entry : configuration.layers)
    if (is_by_type(entry) == by_type && selects(entry, layer)) match = &entry;
  return match;
}

// vai_q_pytorch keeps finished settings for each type and each name, and looks up one of them. A name entry
// that does not list the role hides the type entry from parameters, but not from activations.
TensorSettings resolve_vitis(const Configuration& configuration, const LayerIdentity& layer, Role role) {
  const LayerEntry* by_type = last_match(configuration, layer, true);
  const LayerEntry* by_name = last_match(configuration, layer, false);
  const bool name_decides = by_name != nullptr && (by_name->overrides_role[role] || role != Role::activation);
  const LayerEntry* entry = name_decides ? by_name : by_type;

  TensorSettings settings = configuration.tensor_settings[role];
  if (entry != nullptr && entry->overrides_role[role])
    lay_over(*entry, role, configuration.compatibility, settings);
  return settings;
}

}  // namespace

RoleSettings resolve(const Configuration& configuration, const LayerIdentity& layer) {
  RoleSettings settings;
  for (const Role role : all_roles) {
    settings[role] = configuration.compatibility == Compatibility::vitis
                         ? resolve_vitis(configuration, layer, role)
                         : resolve_standard(configuration, layer, role);
  }
  return settings;
}

}  // namespace qcal
