#include "config/parse_config.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/default_settings.h"
#include "config/device_rules.h"
#include "config/diagnostic_list.h"
#include "config/json_text.h"
#include "config/missing_keys.h"
#include "config/overrides.h"
#include "config/read_blocks.h"
#include "config/read_layers.h"
#include "config/setting_names.h"
#include "config/setting_table.h"
#include "config/setting_values.h"
#include "config/unknown_key.h"
#include "config/value_text.h"

namespace qcal {
namespace {

// It means nothing here, but config/schema.json demands a string too.
void check_schema_reference(const json::Value& root, DiagnosticList& diagnostics) {
  const json::Member* member = root.find(keys::schema);
  if (member == nullptr || member->value.kind == json::Value::Kind::string) return;
  diagnostics.error(diagnostics.source(json::member_path("", member->key), member->value.position),
                    in_words(member->value) + " is not allowed; allowed: a string");
}

// Everything else has a default, and the defaults depend on the target.
std::optional<TargetDevice> read_target(const json::Value& root, DiagnosticList& diagnostics) {
  if (const json::Member* member = root.find("target_device"))
    return read_option<TargetDevice>(member->value).value;
  diagnostics.error(diagnostics.source("target_device", root.position),
                    "the key is missing; allowed: DPU, CPU, GPU");
  return std::nullopt;
}

void read_model_settings(const json::Value& root, Configuration& configuration, DiagnosticList& diagnostics) {
  for_each_model_setting([&](const auto& setting) {
    const json::Member* member = root.find(setting.key);
    if (member == nullptr) return;
    Source source = diagnostics.source(std::string(setting.key), member->value.position);
    const auto read = setting.read(member->value);
    if (read.value)
      configuration.*setting.value = {*read.value, std::move(source)};
    else
      diagnostics.error(std::move(source), read.problem);
  });
}

void read_quantizable(const json::Value& root, Configuration& configuration, DiagnosticList& diagnostics) {
  const json::Member* member = root.find(keys::quantizable_data_type);
  if (member == nullptr) return;
  const auto listed = read_role_list(member->value, member->key, diagnostics);
  if (!listed) return;

  const Source list = diagnostics.source(member->key, member->value.position);
  std::vector<std::string> unlisted;
  for (const Role role : all_roles) {
    configuration.quantizable[role] = {(*listed)[role].has_value(), (*listed)[role].value_or(list)};
    if (!(*listed)[role]) unlisted.emplace_back(spelling(role));
  }
  if (configuration.compatibility == Compatibility::vitis) {
    if (!unlisted.empty())
      diagnostics.warning(
          list, "vai_q_pytorch ignores this list; " + joined(unlisted) + " get quantized all the same");
    for (const Role role : all_roles) configuration.quantizable[role].value = true;
  } else if (unlisted.size() == all_roles.size()) {
    diagnostics.warning(list, "the list names no tensor type; nothing gets quantized");
  }
}

// The tensor settings of the whole model: those of overall_quantize_config, or of a flat file's top level.
struct ModelOverrides {
  TensorOverrides overall;
  PerRole<TensorOverrides> per_tensor;
  std::optional<Source> overall_block;  // where overall_quantize_config stands
};

// Reads the top level's remaining keys.
ModelOverrides read_model_overrides(const json::Value& root, DiagnosticList& diagnostics) {
  ModelOverrides overrides;
  const std::vector<std::string_view> known = known_keys(Place::top_level);
  std::vector<const json::Member*> flat;
  for (const json::Member& member : root.members) {
    if (member.key == keys::overall) {
      overrides.overall_block = diagnostics.source(member.key, member.value.position);
      overrides.overall = read_tensor_block(member.value, member.key, diagnostics);
    } else if (member.key == keys::per_tensor) {
      overrides.per_tensor = read_tensor_roles(member.value, member.key, diagnostics);
    } else if (std::ranges::count(known, member.key) == 0) {
      if (read_tensor_setting(member, "", overrides.overall, diagnostics))
        flat.push_back(&member);
      else
        diagnostics.error(diagnostics.source(json::member_path("", member.key), member.key_position),
                          unknown_key(member.key, Place::top_level));
    }
  }
  if (!flat.empty() && overrides.overall_block) {
    std::vector<std::string> names;
    for (const json::Member* member : flat) names.push_back(member->key);
    diagnostics.error(diagnostics.source(flat.front()->key, flat.front()->key_position),
                      joined(names) + " at the top level and " + overrides.overall_block->text() +
                          " both set the model's tensor settings; keep one of the two");
  }
  return overrides;
}

void lay_over_model(const ModelOverrides& overrides, Configuration& configuration) {
  for (const Role role : all_roles) {
    TensorSettings& settings = configuration.tensor_settings[role];
    lay_over(overrides.overall, configuration.compatibility, settings);
    lay_over(overrides.per_tensor[role], configuration.compatibility, settings);
  }
}

Configuration read_configuration(const json::Value& root, const ParseOptions& options,
                                 DiagnosticList& diagnostics) {
  const std::optional<TargetDevice> target = read_target(root, diagnostics);
  Configuration configuration =
      default_configuration_for(target.value_or(TargetDevice::dpu), options.compatibility);
  check_schema_reference(root, diagnostics);
  read_model_settings(root, configuration, diagnostics);
  read_quantizable(root, configuration, diagnostics);
  const ModelOverrides overrides = read_model_overrides(root, diagnostics);
  lay_over_model(overrides, configuration);
  PerRole<bool> quantizable;
  for (const Role role : all_roles) quantizable[role] = configuration.quantizable[role].value;
  warn_of_unlisted_blocks(root, "", quantizable, diagnostics);
  if (const json::Member* member = root.find(keys::layers))
    configuration.layers = read_layers(member->value, configuration.quantizable, diagnostics);

  // Without a target neither the defaults nor the rules are known.
  if (target) {
    warn_of_missing_keys(root, configuration, diagnostics);
    check_device_rules(configuration, options.device_rules, diagnostics);
  }
  return configuration;
}

}  // namespace

bool ParsedConfiguration::ok() const {
  return std::ranges::none_of(
      diagnostics, [](const Diagnostic& diagnostic) { return diagnostic.severity == Severity::error; });
}

ParsedConfiguration parse_config(std::string_view text, const ParseOptions& options) {
  DiagnosticList diagnostics(options.file);
  ParsedConfiguration parsed;
  const json::Parsed json = json::parse(text);
  for (const json::Problem& problem : json.problems)
    diagnostics.error(diagnostics.source(problem.path, problem.position), problem.message);
  if (json.root && json.root->kind == json::Value::Kind::object) {
    parsed.configuration = read_configuration(*json.root, options, diagnostics);
  } else if (json.root) {
    diagnostics.error(diagnostics.source("", json.root->position),
                      in_words(*json.root) + " is not allowed; allowed: an object: { ... }");
  }
  parsed.diagnostics = std::move(diagnostics).sorted();
  return parsed;
}

}  // namespace qcal
