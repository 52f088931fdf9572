#include "engine/export/fresh_names.h"

#include <memory>
#include <variant>

namespace qcal {

FreshNames::FreshNames(const Graph& graph) {
  take(graph);
}

void FreshNames::take(const Graph& graph) {
  taken_.insert(graph.inputs.begin(), graph.inputs.end());
  taken_.insert(graph.outputs.begin(), graph.outputs.end());
  for (const auto& [name, constant] : graph.constants) taken_.insert(name);
  for (const Node& node : graph.nodes) {
    taken_.insert(node.name);
    taken_.insert(node.outputs.begin(), node.outputs.end());
    for (const auto& [name, attribute] : node.attributes) {
      if (const auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute)) take(**body);
    }
  }
}

std::string FreshNames::fresh(const std::string& wanted) {
  std::string name = wanted;
  for (int suffix = 1; !taken_.insert(name).second; ++suffix) name = wanted + "_" + std::to_string(suffix);
  return name;
}

}  // namespace qcal
