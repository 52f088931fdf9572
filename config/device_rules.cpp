#include "config/device_rules.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "config/overrides.h"
#include "config/setting_names.h"
#include "config/setting_table.h"
#include "config/setting_values.h"
#include "config/value_text.h"

namespace qcal {
namespace {

// A value that breaks a rule.
struct Offence {
  std::string value;
  Source source;
};

enum class AppliesTo { dpu, every_target };
enum class Weight { always_error, device_rule, always_warning };

// One rule about one setting of one tensor.
struct Rule {
  std::string_view name;
  std::string_view reason;
  std::string_view allowed;
  AppliesTo applies_to;
  Weight weight;
  std::optional<Offence> (*broken_by)(Role, const TensorSettings&);
};

template <class Value>
std::optional<Offence> offence_if(bool broken, const Sourced<Value>& setting) {
  if (!broken) return std::nullopt;
  return Offence{value_text(setting.value), setting.source};
}

constexpr std::array rules{
    Rule{.name = "bias width",
         .reason = "only a bias has 32 bits, since its scale is input scale x weight scale",
         .allowed = "2 to 16",
         .applies_to = AppliesTo::every_target,
         .weight = Weight::always_error,
         .broken_by =
             [](Role role, const TensorSettings& settings) {
               return offence_if(role != Role::bias && settings.bit_width.value == bias_accumulator_bits,
                                 settings.bit_width);
             }},
    Rule{.name = "DPU symmetry",
         .reason = "the DPU has no zero point",
         .allowed = "true",
         .applies_to = AppliesTo::dpu,
         .weight = Weight::device_rule,
         .broken_by =
             [](Role, const TensorSettings& settings) {
               return offence_if(!settings.symmetry.value, settings.symmetry);
             }},
    Rule{.name = "DPU method",
         .reason = "the DPU's power-of-two scales are searched",
         .allowed = "diffs, maxmin",
         .applies_to = AppliesTo::dpu,
         .weight = Weight::device_rule,
         .broken_by =
             [](Role, const TensorSettings& settings) {
               const Method method = settings.method.value;
               return offence_if(method != Method::diffs && method != Method::maxmin, settings.method);
             }},
    Rule{.name = "DPU granularity",
         .reason = "the DPU has one scale a tensor",
         .allowed = "false",
         .applies_to = AppliesTo::dpu,
         .weight = Weight::device_rule,
         .broken_by =
             [](Role, const TensorSettings& settings) {
               return offence_if(settings.per_channel.value, settings.per_channel);
             }},
    Rule{.name = "DPU scale type",
         .reason = "the DPU scales by shifting",
         .allowed = "power_of_two",
         .applies_to = AppliesTo::dpu,
         .weight = Weight::device_rule,
         .broken_by =
             [](Role, const TensorSettings& settings) {
               return offence_if(settings.scale_type.value != ScaleType::power_of_two, settings.scale_type);
             }},
    Rule{.name = "DPU integer range",
         .reason = "the DPU uses the whole integer range",
         .allowed = "false",
         .applies_to = AppliesTo::dpu,
         .weight = Weight::device_rule,
         .broken_by =
             [](Role, const TensorSettings& settings) {
               return offence_if(settings.narrow_range.value, settings.narrow_range);
             }},
    Rule{.name = "DPU batch statistic",
         .reason = "only the most frequent of several power-of-two scales is one itself",
         .allowed = "modal",
         .applies_to = AppliesTo::dpu,
         .weight = Weight::device_rule,
         .broken_by =
             [](Role role, const TensorSettings& settings) {
               return offence_if(concerns(Concerns::what_batches_feed, role) &&
                                     settings.calib_statistic_method.value != BatchStatistic::modal,
                                 settings.calib_statistic_method);
             }},
    Rule{.name = "DPU activation rounding",
         .reason = "the DPU rounds activations half_up",
         .allowed = "half_up",
         .applies_to = AppliesTo::dpu,
         .weight = Weight::device_rule,
         .broken_by =
             [](Role role, const TensorSettings& settings) {
               const RoundMode mode = settings.round_mode.value;
               return offence_if(
                   role == Role::activation && mode != RoundMode::half_up && mode != RoundMode::std_round,
                   settings.round_mode);
             }},
    Rule{.name = "DPU activation rounding",
         .reason = "UG1414's default listing has it, but the DPU rounds activations half_up",
         .allowed = "half_up",
         .applies_to = AppliesTo::dpu,
         .weight = Weight::always_warning,
         .broken_by =
             [](Role role, const TensorSettings& settings) {
               return offence_if(
                   role == Role::activation && settings.round_mode.value == RoundMode::std_round,
                   settings.round_mode);
             }},
    Rule{.name = "DPU rounding",
         .reason = "inputs and parameters are rounded std_round for the DPU",
         .allowed = "std_round",
         .applies_to = AppliesTo::dpu,
         .weight = Weight::device_rule,
         .broken_by =
             [](Role role, const TensorSettings& settings) {
               return offence_if(
                   role != Role::activation && settings.round_mode.value != RoundMode::std_round,
                   settings.round_mode);
             }},
    Rule{.name = "DPU signedness",
         .reason = "the DPU computes on signed integers",
         .allowed = "true",
         .applies_to = AppliesTo::dpu,
         .weight = Weight::always_warning,  // vai_q_pytorch takes it, without effect
         .broken_by =
             [](Role, const TensorSettings& settings) {
               return offence_if(settings.is_signed.value != Signedness::is_signed, settings.is_signed);
             }},
};

bool is_quantized(const Configuration& configuration, const RoleSettings& settings, Role role) {
  return configuration.quantizable[role].value && settings[role].datatype.value == Datatype::integer;
}

class Checker {
 public:
  Checker(const Configuration& configuration, DeviceRules device_rules, DiagnosticList& diagnostics)
      : configuration_(configuration), device_rules_(device_rules), diagnostics_(diagnostics) {}

  void check(const RoleSettings& settings) {
    const bool is_dpu = configuration_.target_device.value == TargetDevice::dpu;
    for (const Role role : all_roles) {
      if (!is_quantized(configuration_, settings, role)) continue;
      for (const Rule& rule : rules) {
        if (rule.applies_to == AppliesTo::dpu && !is_dpu) continue;
        if (auto offence = rule.broken_by(role, settings[role])) note(rule, role, std::move(*offence));
      }
    }
    if (is_dpu) check_equal_widths(settings);
  }

  void report() {
    for (const Finding& finding : findings_) {
      std::string roles;
      for (const Role role : finding.roles)
        roles += (roles.empty() ? "" : ", ") + std::string(spelling(role));
      say(finding.rule->weight, finding.offence.source,
          finding.offence.value + " for " + roles + " breaks the rule \"" + std::string(finding.rule->name) +
              "\": " + std::string(finding.rule->reason) +
              "; allowed: " + std::string(finding.rule->allowed));
    }
  }

 private:
  struct Finding {
    const Rule* rule;
    Offence offence;
    std::vector<Role> roles;
  };
  using Key = std::tuple<const Rule*, std::string, int, int>;

  static Key key(const Rule* rule, const Source& source) {
    return {rule, source.setting, source.line, source.column};
  }

  // One value offends for several roles and layers, and is reported once.
  void note(const Rule& rule, Role role, Offence offence) {
    const auto [at, is_new] = index_.emplace(key(&rule, offence.source), findings_.size());
    if (is_new) findings_.push_back({&rule, std::move(offence), {}});
    std::vector<Role>& roles = findings_[at->second].roles;
    if (std::ranges::find(roles, role) == roles.end()) roles.push_back(role);
  }

  void check_equal_widths(const RoleSettings& settings) {
    if (!is_quantized(configuration_, settings, Role::activation)) return;
    if (!is_quantized(configuration_, settings, Role::bias)) return;
    const Sourced<int>& activation = settings[Role::activation].bit_width;
    const Sourced<int>& bias = settings[Role::bias].bit_width;
    if (activation.value == bias.value) return;

    const auto position = [](const Source& source) { return std::pair(source.line, source.column); };
    const Source& later =
        position(bias.source) < position(activation.source) ? activation.source : bias.source;
    if (!unequal_.emplace(key(nullptr, activation.source), key(nullptr, bias.source)).second) return;
    say(Weight::device_rule, later,
        std::to_string(activation.value) + " bits for activation, " + activation.source.text() + ", and " +
            std::to_string(bias.value) + " for bias, " + bias.source.text() +
            ", break the rule \"DPU equal widths\": activation and bias have the same width on the DPU");
  }

  void say(Weight weight, const Source& where, std::string message) {
    const bool is_error = weight == Weight::always_error ||
                          (weight == Weight::device_rule && device_rules_ == DeviceRules::error);
    if (is_error)
      diagnostics_.error(where, std::move(message));
    else
      diagnostics_.warning(where, std::move(message));
  }

  const Configuration& configuration_;
  DeviceRules device_rules_;
  DiagnosticList& diagnostics_;
  std::vector<Finding> findings_;
  std::map<Key, std::size_t> index_;
  std::set<std::pair<Key, Key>> unequal_;
};

}  // namespace

void check_device_rules(const Configuration& configuration, DeviceRules device_rules,
                        DiagnosticList& diagnostics) {
  Checker checker(configuration, device_rules, diagnostics);
  checker.check(configuration.tensor_settings);
  for (const LayerEntry& entry : configuration.layers) {
    RoleSettings settings = configuration.tensor_settings;
    for (const Role role : all_roles)
      if (entry.overrides_role[role]) lay_over(entry, role, configuration.compatibility, settings[role]);
    checker.check(settings);
  }
  checker.report();
}

}  // namespace qcal
