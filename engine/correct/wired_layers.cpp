#include "engine/correct/wired_layers.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/graph/graph_index.h"
#include "engine/plan/groups.h"
#include "engine/plan/operator_roles.h"
#include "engine/plan/placement.h"

namespace qcal {
namespace {

class Wiring {
 public:
  Wiring(const Graph& graph, const QuantizationPlan& plan)
      : graph_(graph), plan_(plan), index_(graph), groups_(form_groups(graph, index_)) {
    for (const PlannedTensor& tensor : plan.tensors) {
      if (tensor.settings.datatype.value != Datatype::integer) continue;
      if (!tensor.parameter) quantized_.insert(tensor.name);
    }
    for (const Group& group : groups_) ends_.emplace(group.head, group.output);
  }

  std::vector<WiredLayer> layers() const {
    std::vector<WiredLayer> result;
    for (const Group& group : groups_) {
      const Node& node = graph_.nodes[group.head];
      WiredLayer layer{&node, {}, parameter(node, Role::weights), parameter(node, Role::bias), "", false};
      for (const std::string& input : data_inputs(graph_, node, *find_operator(node))) {
        layer.inputs.push_back(quantized_source(graph_, index_, quantized_, input).value_or(""));
      }
      set_output(layer, group.output);
      result.push_back(std::move(layer));
    }
    return result;
  }

 private:
  void set_output(WiredLayer& layer, std::string end) const {
    while (!quantized_.contains(end)) {
      const auto& readers = index_.consumers(end);
      if (readers.empty() || !graph_.nodes[readers.front()].is("Concat")) return;
      const auto concat = ends_.find(readers.front());
      if (concat == ends_.end()) return;
      layer.output_of_concat = true;
      end = concat->second;
    }
    layer.output = end;
  }

  std::string parameter(const Node& node, Role role) const {
    for (const PlannedTensor& tensor : plan_.tensors) {
      if (tensor.role != role || tensor.settings.datatype.value != Datatype::integer) continue;
      if (std::ranges::find(tensor.readers, node.name) == tensor.readers.end()) continue;
      const std::string& name = tensor.decoupled_from.empty() ? tensor.name : tensor.decoupled_from;
      if (std::ranges::find(node.inputs, name) != node.inputs.end()) return tensor.name;
    }
    return "";
  }

  const Graph& graph_;
  const QuantizationPlan& plan_;
  const GraphIndex index_;
  const std::vector<Group> groups_;
  std::set<std::string> quantized_;          // inputs and activations
  std::map<std::size_t, std::string> ends_;  // node that heads a group -> the group's end
};

}  // namespace

std::vector<WiredLayer> wired_layers(const Graph& graph, const QuantizationPlan& plan) {
  return Wiring(graph, plan).layers();
}

}  // namespace qcal
