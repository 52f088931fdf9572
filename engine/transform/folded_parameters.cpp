#include "engine/transform/folded_parameters.h"

#include <string_view>
#include <utility>

#include "engine/graph/fresh_names.h"

namespace qcal {

std::string folded_name(const Graph& graph, const GraphIndex& index, const std::string& name) {
  const bool shared = index.consumers(name).size() > 1 || index.is_output(name);
  return shared ? unused_name(graph, name) : name;
}

std::string new_bias_name(const Graph& graph, const std::string& weights) {
  constexpr std::string_view suffix = ".weight";
  std::string stem = weights;
  if (stem.ends_with(suffix)) stem.resize(stem.size() - suffix.size());
  return unused_name(graph, stem + ".bias");
}

void set_bias(Node& node, std::string name) {
  node.inputs.resize(3);
  node.inputs[2] = std::move(name);
}

}  // namespace qcal
