#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "config/describe.h"
#include "config/setting_names.h"
#include "config/setting_table.h"
#include "config/value_text.h"

namespace qcal {
namespace {

using Row = std::array<std::string, 3>;  // setting, value, source

// Columns as wide as their widest cell, two spaces apart.
std::string table(const std::vector<Row>& rows, std::string_view indent) {
  std::array<std::size_t, 2> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());

  std::string text;
  for (const Row& row : rows) {
    text += indent;
    for (std::size_t i = 0; i < widths.size(); ++i)
      text += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    text += row.back() + "\n";
  }
  return text;
}

template <class Value>
Row row(std::string_view key, const Sourced<Value>& setting) {
  return {std::string(key), value_text(setting.value), setting.source.text()};
}

std::vector<Row> override_rows(std::string_view block, const TensorOverrides& overrides) {
  std::vector<Row> rows;
  for_each_tensor_setting([&](const auto& setting) {
    if (const auto& value = overrides.*setting.overriding)
      rows.push_back(row(std::string(block) + "." + std::string(setting.key), *value));
  });
  return rows;
}

std::string describe_entry(const LayerEntry& entry) {
  std::string text = "\n";
  if (entry.layer_type) text += "layer_type " + entry.layer_type->value;
  if (entry.layer_name) text += "layer_name " + entry.layer_name->value;
  text.append(", ").append(entry.source.text()).append(", overrides");
  for (const Role role : all_roles)
    if (entry.overrides_role[role]) text.append(" ").append(spelling(role));
  text += "\n";

  std::vector<Row> rows = override_rows("overall", entry.overall);
  for (const Role role : all_roles) {
    if (!entry.overrides_role[role]) continue;
    const std::vector<Row> more = override_rows(spelling(role), entry.per_tensor[role]);
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return text + table(rows, "  ");
}

}  // namespace

std::string describe_text(const TensorSettings& settings, std::string_view indent) {
  std::vector<Row> rows;
  for_each_tensor_setting(
      [&](const auto& setting) { rows.push_back(row(setting.key, settings.*setting.resolved)); });
  return table(rows, indent);
}

std::string describe_text(const Configuration& configuration) {
  std::vector<Row> model;
  for_each_model_setting(
      [&](const auto& setting) { model.push_back(row(setting.key, configuration.*setting.value)); });
  std::string text = table(model, "");
  for (const Role role : all_roles) {
    const Sourced<bool>& quantizable = configuration.quantizable[role];
    text.append("\n")
        .append(spelling(role))
        .append(quantizable.value ? ", quantized: " : ", not quantized: ");
    text.append(quantizable.source.text()).append("\n");
    text += describe_text(configuration.tensor_settings[role], "  ");
  }
  for (const LayerEntry& entry : configuration.layers) text += describe_entry(entry);
  return text;
}

}  // namespace qcal
