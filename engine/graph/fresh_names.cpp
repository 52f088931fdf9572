#include "engine/graph/fresh_names.h"

#include <algorithm>
#include <memory>
#include <variant>

namespace qcal {
namespace {

std::string fresh(std::unordered_set<std::string>& taken, const std::string& wanted) {
  std::string name = wanted;
  for (int suffix = 1; !taken.insert(name).second; ++suffix) name = wanted + "_" + std::to_string(suffix);
  return name;
}

}  // namespace

FreshNames::FreshNames(const Graph& graph) {
  take(graph);
}

void FreshNames::take(const Graph& graph) {
  tensors_.insert(graph.inputs.begin(), graph.inputs.end());
  tensors_.insert(graph.outputs.begin(), graph.outputs.end());
  for (const auto& [name, constant] : graph.constants) tensors_.insert(name);
  for (const Node& node : graph.nodes) {
    nodes_.insert(node.name);
    tensors_.insert(node.outputs.begin(), node.outputs.end());
    for (const auto& [name, attribute] : node.attributes) {
      if (const auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute)) take(**body);
    }
  }
}

std::string FreshNames::tensor(const std::string& wanted) {
  return fresh(tensors_, wanted);
}

std::string FreshNames::node(const std::string& wanted) {
  return fresh(nodes_, wanted);
}

std::string unused_name(const Graph& graph, const std::string& wanted) {
  const auto taken = [&](const std::string& name) {
    if (graph.constants.contains(name)) return true;
    if (std::ranges::find(graph.inputs, name) != graph.inputs.end()) return true;
    return std::ranges::any_of(graph.nodes, [&](const Node& node) {
      return std::ranges::find(node.outputs, name) != node.outputs.end();
    });
  };
  if (!taken(wanted)) return wanted;
  for (int suffix = 1;; ++suffix) {
    std::string name = wanted + "_" + std::to_string(suffix);
    if (!taken(name)) return name;
  }
}

}  // namespace qcal
