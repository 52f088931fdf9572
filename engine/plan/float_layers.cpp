#include "engine/plan/float_layers.h"

#include <fmt/format.h>

#include "engine/graph/weighted_operator.h"

namespace qcal {

FloatLayers float_layers(const Graph& graph, const std::vector<Group>& groups,
                         const Configuration& configuration) {
  FloatLayers result;
  if (configuration.keep_first_last_layer_accuracy.value) {
    const Source& source = configuration.keep_first_last_layer_accuracy.source;
    std::vector<std::size_t> weighted;
    for (const Group& group : groups) {
      if (weighted_operator(graph, graph.nodes[group.head])) weighted.push_back(group.head);
    }
    if (!weighted.empty()) {
      result.layers.emplace(weighted.front(), source);
      result.layers.emplace(weighted.back(), source);
      result.notes.push_back(
          {"keep_first_last_layer_accuracy",
           fmt::format("weights, bias and result of '{}' and '{}' stay in float, and so do graph inputs that "
                       "only such "
                       "layers read",
                       graph.nodes[weighted.front()].name, graph.nodes[weighted.back()].name)});
    }
  }
  if (configuration.keep_add_layer_accuracy.value) {
    std::size_t count = 0;
    for (const Group& group : groups) {
      if (!graph.nodes[group.head].is("Add")) continue;
      result.layers.emplace(group.head, configuration.keep_add_layer_accuracy.source);
      ++count;
    }
    result.notes.push_back(
        {"keep_add_layer_accuracy", fmt::format("the results of {} Add layers stay in float", count)});
  }
  return result;
}

}  // namespace qcal
