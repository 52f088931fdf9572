#include "engine/plan/placement_groups.h"

#include <algorithm>
#include <set>
#include <string>

#include "engine/plan/operator_roles.h"

namespace qcal {
namespace {

bool feeds_only_concat(const PlacementInput& input, const std::string& tensor) {
  const auto& readers = input.index.consumers(tensor);
  return !readers.empty() && !input.index.is_output(tensor) &&
         std::ranges::all_of(readers,
                             [&](std::size_t reader) { return input.graph.nodes[reader].is("Concat"); });
}

}  // namespace

std::vector<QuantizedActivation> place_by_groups(const PlacementInput& input) {
  std::vector<QuantizedActivation> placed;
  // Graph inputs are quantized as such, and what feeds a Concat by the Concat's quantizer.
  std::set<std::string> quantized;
  for (const std::string& tensor : input.graph.inputs) {
    if (carries_reals(input.graph, tensor)) quantized.insert(tensor);
  }
  for (const Group& group : input.groups) quantized.insert(group.output);
  for (const Group& group : input.groups) {
    const Node& head = input.graph.nodes[group.head];
    for (const std::string& tensor : data_inputs(input.graph, head, *find_operator(head))) {
      if (quantized_source(input.graph, input.index, quantized, tensor)) continue;
      quantized.insert(tensor);
      placed.push_back({tensor, group.head, {group.head}, true});
    }
    if (!feeds_only_concat(input, group.output))
      placed.push_back({group.output, group.head, group.members, false});
  }
  return placed;
}

}  // namespace qcal
