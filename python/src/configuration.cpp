// qcal.Configuration: read, shown, explained.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "config/describe.h"
#include "config/resolve.h"
#include "engine/config_file.h"
#include "engine/export/plan_json.h"
#include "engine/network.h"
#include "engine/plan/plan_text.h"
#include "python/src/bindings.h"
#include "python/src/enum_argument.h"

namespace qcal {

template <>
struct SpellingsOf<Compatibility> {
  static constexpr auto table = std::to_array<Spelling<Compatibility>>(
      {{"standard", Compatibility::standard}, {"vitis", Compatibility::vitis}});
};

template <>
struct SpellingsOf<DeviceRules> {
  static constexpr auto table =
      std::to_array<Spelling<DeviceRules>>({{"error", DeviceRules::error}, {"warn", DeviceRules::warn}});
};

namespace python {
namespace {

namespace nb = nanobind;
using Placing = std::optional<std::string>;

LoadOptions load_options(const std::string& compat, const std::string& device_rules) {
  return {enum_argument<Compatibility>("compat", compat),
          enum_argument<DeviceRules>("device_rules", device_rules)};
}

LoadedConfiguration placed(LoadedConfiguration loaded, const Placing& placement) {
  if (placement) {
    loaded.configuration.placement = {enum_argument<Placement>("placement", *placement),
                                      {.setting = "placement, as load_config was asked"}};
  }
  return loaded;
}

QuantizationPlan plan_of(const LoadedConfiguration& loaded, const std::filesystem::path& model,
                         const std::optional<std::string>& layer) {
  QuantizationPlan plan =
      make_plan(read_network(model, loaded.configuration).transformed.graph, loaded.configuration);
  if (!layer) return plan;
  QuantizationPlan part = plan_of_layer(plan, *layer);
  if (!part.tensors.empty()) return part;
  throw InvalidArgument("layer: no quantized tensor belongs to a layer \"" + *layer + "\"");
}

bool selects_listed(const LoadedConfiguration& loaded, const std::string& layer_name,
                    const std::string& module_path, const std::string& layer_type) {
  const LayerIdentity layer{layer_name, module_path, {layer_type}};
  return std::ranges::any_of(loaded.configuration.layers,
                             [&](const LayerEntry& entry) { return selects(entry, layer); });
}

// Whether `pattern`, as layer_type or as layer_name of an entry, selects the layer.
bool matches_layer(const std::string& pattern, const std::string& layer_name, const std::string& module_path,
                   const std::string& layer_type) {
  const LayerIdentity layer{layer_name, module_path, {layer_type}};
  LayerEntry by_type;
  by_type.layer_type = {pattern, {}};
  LayerEntry by_name;
  by_name.layer_name = {pattern, {}};
  return selects(by_type, layer) || selects(by_name, layer);
}

std::vector<std::string> quantizable_roles(const LoadedConfiguration& loaded) {
  std::vector<std::string> roles;
  for (const Role role : all_roles)
    if (loaded.configuration.quantizable[role].value) roles.emplace_back(spelling(role));
  return roles;
}

std::vector<std::string> graph_switches(const LoadedConfiguration& loaded) {
  const Configuration& configuration = loaded.configuration;
  std::vector<std::string> on;
  if (configuration.convert_relu6_to_relu.value) on.emplace_back("convert_relu6_to_relu");
  if (configuration.include_cle.value) on.emplace_back("include_cle");
  if (configuration.include_bias_corr.value) on.emplace_back("include_bias_corr");
  if (configuration.keep_first_last_layer_accuracy.value) on.emplace_back("keep_first_last_layer_accuracy");
  if (configuration.keep_add_layer_accuracy.value) on.emplace_back("keep_add_layer_accuracy");
  return on;
}

}  // namespace

void add_configuration(nb::module_& module) {
  nb::class_<LoadedConfiguration>(
      module, "Configuration", "What every tensor's quantization is to be, and where each value came from.")
      .def_ro("warnings", &LoadedConfiguration::warnings, "What to know about the text, with its place.")
      .def_prop_ro(
          "target_device",
          [](const LoadedConfiguration& loaded) {
            return std::string(spelling(loaded.configuration.target_device.value));
          },
          "DPU, CPU or GPU.")
      .def_prop_ro(
          "compat",
          [](const LoadedConfiguration& loaded) {
            return std::string(spelling(loaded.configuration.compatibility));
          },
          "standard or vitis.")
      .def_prop_ro(
          "placement",
          [](const LoadedConfiguration& loaded) {
            return std::string(spelling(loaded.configuration.placement.value));
          },
          "Which activations are quantized: groups, compute or fused.")
      .def_prop_ro("quantizable_data_type", quantizable_roles, "The roles that are quantized at all.")
      .def_prop_ro("graph_switches", graph_switches,
                   "The switches that change a network or leave layers in float, and are on.")
      .def("selects", selects_listed, nb::arg("layer_name"), nb::arg("module_path"), nb::arg("layer_type"),
           "Whether an entry of layer_quantize_config selects the layer.")
      .def(
          "to_json",
          [](const LoadedConfiguration& loaded) { return configuration_json(loaded.configuration); },
          "The configuration as a file's text, with every value written out.")
      .def("__str__", [](const LoadedConfiguration& loaded) { return describe_text(loaded.configuration); });

  module.def(
      "load_config_file",
      [](const std::filesystem::path& file, const std::string& compat, const std::string& device_rules,
         const Placing& placement) {
        return placed(load_config_with_warnings(file, load_options(compat, device_rules)), placement);
      },
      nb::arg("file"), nb::arg("compat"), nb::arg("device_rules"), nb::arg("placement").none());
  module.def(
      "load_config_text",
      [](const std::string& text, const std::string& name, const std::string& compat,
         const std::string& device_rules, const Placing& placement) {
        return placed(read_config_with_warnings(text, name, load_options(compat, device_rules)), placement);
      },
      nb::arg("text"), nb::arg("name"), nb::arg("compat"), nb::arg("device_rules"),
      nb::arg("placement").none());
  module.def(
      "default_config",
      [](const std::string& compat, const Placing& placement) {
        return placed({default_configuration(enum_argument<Compatibility>("compat", compat)), {}}, placement);
      },
      nb::arg("compat"), nb::arg("placement").none());
  module.def("matches_layer", matches_layer, nb::arg("pattern"), nb::arg("layer_name"),
             nb::arg("module_path"), nb::arg("layer_type"));
  module.def(
      "explain_text",
      [](const LoadedConfiguration& loaded, const std::optional<std::filesystem::path>& model,
         const std::optional<std::string>& layer) {
        return model ? plan_text(plan_of(loaded, *model, layer)) : describe_text(loaded.configuration);
      },
      nb::arg("config"), nb::arg("model").none(), nb::arg("layer").none());
  module.def(
      "explain_json",
      [](const LoadedConfiguration& loaded, const std::optional<std::filesystem::path>& model,
         const std::optional<std::string>& layer) {
        return describe_json(loaded.configuration,
                             model ? plan_members(plan_of(loaded, *model, layer)) : std::string());
      },
      nb::arg("config"), nb::arg("model").none(), nb::arg("layer").none());
}

}  // namespace python
}  // namespace qcal
