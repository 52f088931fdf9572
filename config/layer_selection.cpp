#include "config/layer_selection.h"

#include <algorithm>
#include <cstddef>

#include "config/resolve.h"

namespace qcal {

std::string_view type_without_module(std::string_view type) {
  const std::size_t dot = type.rfind('.');
  return dot == std::string_view::npos ? type : type.substr(dot + 1);
}

bool matches_glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last star met, and how much of the text it has taken
  std::size_t taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::optional<VaiLayerName> parse_vai_layer_name(std::string_view name) {
  const std::size_t scopes = name.find("::");
  if (scopes == std::string_view::npos) return std::nullopt;
  std::size_t slash = name.find('/', scopes);  // ends the root module's class
  const std::size_t last_slash = name.rfind('/');
  if (slash == last_slash) return std::nullopt;

  VaiLayerName parsed;
  while (slash < last_slash) {
    const std::size_t next = name.find('/', slash + 1);
    const std::string_view scope = name.substr(slash + 1, next - slash - 1);
    const std::size_t bracket = scope.find('[');
    if (bracket == std::string_view::npos || bracket == 0 || !scope.ends_with(']')) return std::nullopt;
    if (!parsed.module_path.empty()) parsed.module_path += '.';
    parsed.module_path += scope.substr(bracket + 1, scope.size() - bracket - 2);
    parsed.type = scope.substr(0, bracket);
    slash = next;
  }
  return parsed;
}

namespace {

bool has_type(const LayerIdentity& layer, std::string_view type) {
  return std::ranges::any_of(layer.types, [&](const std::string& name) {
    return type_without_module(name) == type_without_module(type);
  });
}

bool has_name(const LayerIdentity& layer, const std::string& name) {
  if (name == layer.name) return true;
  if (const std::optional<VaiLayerName> vai = parse_vai_layer_name(name))
    return !layer.module_path.empty() && vai->module_path == layer.module_path && has_type(layer, vai->type);
  const bool is_glob = name.find_first_of("*?") != std::string::npos;
  return is_glob && !layer.name.empty() && matches_glob(name, layer.name);
}

}  // namespace

bool selects(const LayerEntry& entry, const LayerIdentity& layer) {
  if (entry.layer_type) return has_type(layer, entry.layer_type->value);
  return entry.layer_name && has_name(layer, entry.layer_name->value);
}

}  // namespace qcal
