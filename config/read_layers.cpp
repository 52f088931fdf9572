#include "config/read_layers.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/layer_selection.h"
#include "config/overrides.h"
#include "config/read_blocks.h"
#include "config/setting_names.h"
#include "config/setting_table.h"
#include "config/setting_values.h"
#include "config/unknown_key.h"

namespace qcal {
namespace {

// layer_type or layer_name: null and the empty string name nothing.
std::optional<Sourced<std::string>> read_selector(const json::Value& value, std::string path,
                                                  DiagnosticList& diagnostics) {
  Source source = diagnostics.source(std::move(path), value.position);
  if (value.kind == json::Value::Kind::string && !value.text.empty())
    return Sourced<std::string>{value.text, std::move(source)};
  if (value.kind != json::Value::Kind::string && value.kind != json::Value::Kind::null)
    diagnostics.error(std::move(source), in_words(value) + " is not allowed; allowed: a string or null");
  return std::nullopt;
}

// Whether `key` is given at all; a value of the wrong type counts, having got its own message.
bool is_given(const json::Value& entry, std::string_view key) {
  const json::Member* member = entry.find(key);
  if (member == nullptr || member->value.kind == json::Value::Kind::null) return false;
  return member->value.kind != json::Value::Kind::string || !member->value.text.empty();
}

void check_selectors(const json::Value& value, LayerEntry& entry, DiagnosticList& diagnostics) {
  if (!is_given(value, keys::layer_type) && !is_given(value, keys::layer_name)) {
    diagnostics.error(entry.source, "the entry selects no layer; give layer_type or layer_name");
  } else if (entry.layer_type && entry.layer_name) {
    diagnostics.warning(
        entry.layer_name->source,
        "ignored, because the entry has a layer_type too and selects by that, as in vai_q_pytorch; "
        "set one of the two to null");
    entry.layer_name.reset();
  }
}

void warn_of_no_effect(const json::Value& value, const LayerEntry& entry,
                       const PerRole<std::optional<Source>>& listed,
                       const PerRole<Sourced<bool>>& quantizable, DiagnosticList& diagnostics) {
  bool any_role = false;
  for (const Role role : all_roles) {
    any_role = any_role || listed[role];
    if (listed[role] && !quantizable[role].value) {
      diagnostics.warning(*listed[role],
                          "no effect, because the model's quantizable_data_type does not list " +
                              std::string(spelling(role)));
    }
  }
  if (!any_role)
    diagnostics.warning(entry.source, "no effect, because quantizable_data_type lists no tensor type");
  warn_of_unlisted_blocks(value, entry.source.setting, entry.overrides_role, diagnostics);
}

LayerEntry read_entry(const json::Value& value, const std::string& path,
                      const PerRole<Sourced<bool>>& quantizable, DiagnosticList& diagnostics) {
  LayerEntry entry;
  entry.source = diagnostics.source(path, value.position);
  std::optional<PerRole<std::optional<Source>>> listed;
  for (const json::Member& member : value.members) {
    const std::string member_path = json::member_path(path, member.key);
    if (member.key == keys::layer_type) {
      entry.layer_type = read_selector(member.value, member_path, diagnostics);
    } else if (member.key == keys::layer_name) {
      entry.layer_name = read_selector(member.value, member_path, diagnostics);
    } else if (member.key == keys::quantizable_data_type) {
      listed = read_role_list(member.value, member_path, diagnostics);
    } else if (member.key == keys::overall) {
      entry.overall = read_tensor_block(member.value, member_path, diagnostics);
    } else if (member.key == keys::per_tensor) {
      entry.per_tensor = read_tensor_roles(member.value, member_path, diagnostics);
    } else {
      diagnostics.error(diagnostics.source(member_path, member.key_position),
                        unknown_key(member.key, Place::layer_entry));
    }
  }
  check_selectors(value, entry, diagnostics);
  if (value.find(keys::quantizable_data_type) == nullptr) {
    diagnostics.warning(
        entry.source,
        "quantizable_data_type is missing; the entry applies to input, weights, bias and activation");
  }
  for (const Role role : all_roles) entry.overrides_role[role] = !listed || (*listed)[role];
  if (listed) warn_of_no_effect(value, entry, *listed, quantizable, diagnostics);
  return entry;
}

// Entries that select the same layers are legal, and rarely meant.
void warn_of_repeats(const std::vector<LayerEntry>& entries, DiagnosticList& diagnostics) {
  std::map<std::pair<std::string_view, std::string>, const Source*> first_of;
  for (const LayerEntry& entry : entries) {
    if (!entry.layer_type && !entry.layer_name) continue;
    const auto& selector = entry.layer_type ? *entry.layer_type : *entry.layer_name;
    std::pair key = entry.layer_type
                        ? std::pair(keys::layer_type, std::string(type_without_module(selector.value)))
                        : std::pair(keys::layer_name, selector.value);
    const auto [first, is_new] = first_of.emplace(std::move(key), &selector.source);
    if (!is_new) {
      diagnostics.warning(selector.source,
                          "selects the same layers as " + first->second->text() + "; this later entry wins");
    }
  }
}

}  // namespace

std::vector<LayerEntry> read_layers(const json::Value& value, const PerRole<Sourced<bool>>& quantizable,
                                    DiagnosticList& diagnostics) {
  std::vector<LayerEntry> entries;
  if (value.kind != json::Value::Kind::array) {
    diagnostics.error(diagnostics.source(std::string(keys::layers), value.position),
                      in_words(value) + " is not allowed; allowed: an array of objects");
    return entries;
  }
  for (std::size_t i = 0; i < value.elements.size(); ++i) {
    const json::Value& element = value.elements[i];
    const std::string path = json::element_path(keys::layers, i);
    if (element.kind == json::Value::Kind::object)
      entries.push_back(read_entry(element, path, quantizable, diagnostics));
    else
      diagnostics.error(diagnostics.source(path, element.position),
                        in_words(element) + " is not allowed; allowed: an object");
  }
  warn_of_repeats(entries, diagnostics);
  return entries;
}

}  // namespace qcal
