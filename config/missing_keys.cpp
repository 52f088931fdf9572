#include "config/missing_keys.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/default_settings.h"
#include "config/setting_names.h"
#include "config/setting_table.h"
#include "config/value_text.h"

namespace qcal {
namespace {

// "method maxmin", or where the roles differ "round_mode std_round (input, weights), half_up (activation)".
std::string with_values(std::string_view key,
                        const std::vector<std::pair<std::string, std::vector<std::string>>>& values) {
  std::vector<std::string> parts;
  for (const auto& [value, roles] : values)
    parts.push_back(values.size() == 1 ? value : value + " (" + joined(roles) + ")");
  return std::string(key) + " " + joined(parts);
}

// Whether the text gives `key` for all tensors or for `role`. A refused value counts: it is not missing.
bool is_written(const json::Value& root, std::string_view key, Role role) {
  const auto has = [&](const json::Value& block) {
    return block.kind != json::Value::Kind::object || block.find(key) != nullptr;
  };
  const json::Member* overall = root.find(keys::overall);
  if (has(overall == nullptr ? root : overall->value)) return true;
  const json::Member* roles = root.find(keys::per_tensor);
  if (roles == nullptr) return false;
  const json::Member* block = roles->value.find(spelling(role));
  return block != nullptr && has(block->value);
}

// What UG1414 requires of the model's tensor settings, and some tensor takes from the default.
std::vector<std::string> defaulted_tensor_settings(const json::Value& root,
                                                   const Configuration& configuration) {
  std::vector<std::string> defaulted;
  for_each_tensor_setting([&](const auto& setting) {
    if (setting.required == Required::no) return;
    std::vector<std::pair<std::string, std::vector<std::string>>> values;
    for (const Role role : all_roles) {
      const TensorSettings& settings = configuration.tensor_settings[role];
      const bool matters = configuration.quantizable[role].value &&
                           settings.datatype.value == Datatype::integer && concerns(setting.concerned, role);
      if (!matters || is_written(root, setting.key, role)) continue;
      const std::string value = value_text((settings.*setting.resolved).value);
      const auto same = std::ranges::find(values, value, [](const auto& entry) { return entry.first; });
      auto& roles =
          same != values.end() ? same->second : values.emplace_back(value, std::vector<std::string>{}).second;
      roles.emplace_back(spelling(role));
    }
    if (!values.empty()) defaulted.push_back(with_values(setting.key, values));
  });
  return defaulted;
}

std::vector<std::string> defaulted_model_settings(const json::Value& root,
                                                  const Configuration& configuration) {
  std::vector<std::string> defaulted;
  for_each_model_setting([&](const auto& setting) {
    if (setting.required == Required::yes && root.find(setting.key) == nullptr)
      defaulted.push_back(std::string(setting.key) + " " + value_text((configuration.*setting.value).value));
  });
  if (root.find(keys::quantizable_data_type) == nullptr)
    defaulted.emplace_back("quantizable_data_type input, weights, bias, activation");
  return defaulted;
}

void warn(const Source& block, const std::vector<std::string>& defaulted, const Configuration& configuration,
          DiagnosticList& diagnostics) {
  if (defaulted.empty()) return;
  const Configuration defaults =
      default_configuration_for(configuration.target_device.value, configuration.compatibility);
  diagnostics.warning(block, "keys that UG1414 requires are missing; the " +
                                 defaults.target_device.source.text() + " gives " + joined(defaulted));
}

}  // namespace

void warn_of_missing_keys(const json::Value& root, const Configuration& configuration,
                          DiagnosticList& diagnostics) {
  std::vector<std::string> of_model = defaulted_model_settings(root, configuration);
  const std::vector<std::string> of_tensors = defaulted_tensor_settings(root, configuration);
  if (const json::Member* overall = root.find(keys::overall))
    warn(diagnostics.source(overall->key, overall->value.position), of_tensors, configuration, diagnostics);
  else
    of_model.insert(of_model.end(), of_tensors.begin(), of_tensors.end());
  warn(diagnostics.source("", root.position), of_model, configuration, diagnostics);
}

}  // namespace qcal
