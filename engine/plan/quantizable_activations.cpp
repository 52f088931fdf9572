#include "engine/plan/quantizable_activations.h"

#include <set>
#include <string>

#include "engine/plan/operator_roles.h"

namespace qcal {

std::vector<QuantizedActivation> quantizable_activations(const Graph& graph, const GraphIndex& index,
                                                         const std::vector<Group>& groups) {
  std::vector<QuantizedActivation> activations;
  std::set<std::string> quantized;
  for (const std::string& tensor : graph.inputs) {
    if (carries_reals(graph, tensor)) quantized.insert(tensor);
  }
  for (const Group& group : groups) quantized.insert(group.output);
  for (const Group& group : groups) {
    const Node& head = graph.nodes[group.head];
    for (const std::string& tensor : data_inputs(graph, head, *find_operator(head))) {
      if (quantized_source(graph, index, quantized, tensor)) continue;
      quantized.insert(tensor);
      activations.push_back({tensor, group.head, {group.head}, true});
    }
    activations.push_back({group.output, group.head, group.members, false});
  }
  return activations;
}

}  // namespace qcal
