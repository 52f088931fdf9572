#include "config/read_blocks.h"

#include <cstddef>
#include <string_view>
#include <utility>

#include "config/setting_names.h"
#include "config/setting_table.h"
#include "config/setting_values.h"
#include "config/unknown_key.h"

namespace qcal {
namespace {

bool expect_object(const json::Value& value, const std::string& path, DiagnosticList& diagnostics) {
  if (value.kind == json::Value::Kind::object) return true;
  diagnostics.error(diagnostics.source(path, value.position),
                    in_words(value) + " is not allowed; allowed: an object");
  return false;
}

}  // namespace

bool read_tensor_setting(const json::Member& member, const std::string& parent, TensorOverrides& overrides,
                         DiagnosticList& diagnostics) {
  bool known = false;
  for_each_tensor_setting([&](const auto& setting) {
    if (setting.key != member.key) return;
    known = true;
    Source source = diagnostics.source(json::member_path(parent, member.key), member.value.position);
    const auto read = setting.read(member.value);
    if (read.value)
      overrides.*setting.overriding = {*read.value, std::move(source)};
    else
      diagnostics.error(std::move(source), read.problem);
  });
  return known;
}

TensorOverrides read_tensor_block(const json::Value& value, const std::string& path,
                                  DiagnosticList& diagnostics) {
  TensorOverrides overrides;
  if (!expect_object(value, path, diagnostics)) return overrides;
  for (const json::Member& member : value.members) {
    if (!read_tensor_setting(member, path, overrides, diagnostics)) {
      diagnostics.error(diagnostics.source(json::member_path(path, member.key), member.key_position),
                        unknown_key(member.key, Place::tensor_block));
    }
  }
  return overrides;
}

PerRole<TensorOverrides> read_tensor_roles(const json::Value& value, const std::string& path,
                                           DiagnosticList& diagnostics) {
  PerRole<TensorOverrides> overrides;
  if (!expect_object(value, path, diagnostics)) return overrides;
  for (const json::Member& member : value.members) {
    const std::string member_path = json::member_path(path, member.key);
    bool known = false;
    for (const Role role : all_roles) {
      if (member.key != spelling(role)) continue;
      overrides[role] = read_tensor_block(member.value, member_path, diagnostics);
      known = true;
    }
    if (!known) {
      diagnostics.error(diagnostics.source(member_path, member.key_position),
                        unknown_key(member.key, Place::tensor_roles));
    }
  }
  return overrides;
}

std::optional<PerRole<std::optional<Source>>> read_role_list(const json::Value& value,
                                                             const std::string& path,
                                                             DiagnosticList& diagnostics) {
  if (value.kind != json::Value::Kind::array) {
    diagnostics.error(
        diagnostics.source(path, value.position),
        in_words(value) + " is not allowed; allowed: an array of input, weights, bias, activation");
    return std::nullopt;
  }
  PerRole<std::optional<Source>> listed;
  bool has_mistake = false;
  for (std::size_t i = 0; i < value.elements.size(); ++i) {
    const json::Value& element = value.elements[i];
    Source source = diagnostics.source(json::element_path(path, i), element.position);
    const Read<Role> role = read_option<Role>(element);
    if (!role.value) {
      diagnostics.error(std::move(source), role.problem);
      has_mistake = true;
    } else if (!listed[*role.value]) {
      listed[*role.value] = std::move(source);
    }
  }
  if (has_mistake) return std::nullopt;
  return listed;
}

void warn_of_unlisted_blocks(const json::Value& owner, const std::string& path, const PerRole<bool>& listed,
                             DiagnosticList& diagnostics) {
  const json::Member* roles = owner.find(keys::per_tensor);
  if (roles == nullptr) return;
  const std::string roles_path = json::member_path(path, keys::per_tensor);
  for (const Role role : all_roles) {
    const json::Member* block = roles->value.find(spelling(role));
    if (block == nullptr || listed[role]) continue;
    diagnostics.warning(diagnostics.source(json::member_path(roles_path, block->key), block->key_position),
                        "no effect, because quantizable_data_type does not list " + block->key);
  }
}

}  // namespace qcal
