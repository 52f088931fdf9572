#include "engine/graph/module_paths.h"

#include <vector>

namespace qcal {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// The strings of a printed Python list of strings.
std::vector<std::string> quoted_strings(std::string_view text) {
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char quote = text[i];
    if (quote != '\'' && quote != '"') continue;
    std::string value;
    for (++i; i < text.size() && text[i] != quote; ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      value += text[i];
    }
    strings.push_back(std::move(value));
  }
  return strings;
}

}  // namespace

std::string module_path_from_node_name(std::string_view name) {
  if (!name.starts_with('/')) return {};
  std::vector<std::string> components = split(name.substr(1), '/');
  components.pop_back();  // the operator
  std::vector<std::string> path;
  for (const std::string& component : components) {
    if (!path.empty() && component.starts_with(path.back() + '.')) {
      path.back() = component;
    } else {
      path.push_back(component);
    }
  }
  std::string dotted;
  for (const std::string& part : path) dotted += dotted.empty() ? part : '.' + part;
  return dotted;
}

std::string module_path_from_name_scopes(std::string_view name_scopes) {
  const std::vector<std::string> scopes = quoted_strings(name_scopes);
  return scopes.size() < 2 ? std::string() : scopes[scopes.size() - 2];
}

std::string module_path_from_parameter(std::string_view name) {
  constexpr std::string_view suffix = ".weight";
  return name.ends_with(suffix) ? std::string(name.substr(0, name.size() - suffix.size())) : std::string();
}

}  // namespace qcal
