#include "engine/plan/plan_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "engine/plan/operator_roles.h"

namespace qcal {
namespace {

bool has_subgraph(const Node& node) {
  return std::ranges::any_of(node.attributes, [](const auto& attribute) {
    return std::holds_alternative<std::shared_ptr<const Graph>>(attribute.second);
  });
}

bool makes_reals(const Graph& graph, const Node& node) {
  return std::ranges::any_of(node.outputs, [&](const std::string& output) {
    return !output.empty() && carries_reals(graph, output);
  });
}

std::vector<PlanNote> subgraph_notes(const Graph& graph) {
  std::vector<PlanNote> notes;
  for (const Node& node : graph.nodes) {
    if (!has_subgraph(node)) continue;
    notes.push_back({node.name, fmt::format("the subgraphs of this {} stay in float", node.op_type)});
  }
  return notes;
}

std::vector<PlanNote> float_operator_notes(const Graph& graph) {
  std::map<std::string, std::vector<std::string>> nodes;
  for (const Node& node : graph.nodes) {
    if (find_operator(node) || has_subgraph(node) || !makes_reals(graph, node)) continue;
    const std::string type = node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
    nodes[type].push_back(node.name);
  }
  std::vector<PlanNote> notes;
  for (const auto& [type, names] : nodes) {
    const std::string others =
        names.size() > 1 ? fmt::format(" and {} more", names.size() - 1) : std::string();
    notes.push_back(
        {type, fmt::format("not a quantized operator; the results of '{}'{} stay in float where no quantized "
                           "operator reads them",
                           names.front(), others)});
  }
  return notes;
}

struct Transform {
  std::string key;
  const Sourced<bool>& requested;
  bool of_network = true;  // it changes the graph; the others work on what the search finds
};

std::vector<Transform> transforms(const Configuration& configuration) {
  return {{"convert_relu6_to_relu", configuration.convert_relu6_to_relu},
          {"include_cle", configuration.include_cle},
          {"include_bias_corr", configuration.include_bias_corr, false}};
}

}  // namespace

std::vector<PlanNote> plan_notes(const Graph& graph, const Configuration& configuration) {
  std::vector<PlanNote> notes;
  for (const GraphNote& note : graph.notes) notes.push_back({note.subject, note.text});
  for (const auto& more : {subgraph_notes(graph), float_operator_notes(graph)}) {
    notes.insert(notes.end(), more.begin(), more.end());
  }
  for (const Transform& transform : transforms(configuration)) {
    const bool missing = transform.of_network && transform.requested.value && !graph.transform(transform.key);
    if (missing) notes.push_back({transform.key, "not applied: not supported yet"});
  }
  return notes;
}

std::vector<TransformStatus> transform_status(const Graph& graph, const Configuration& configuration) {
  std::vector<TransformStatus> statuses;
  for (const Transform& transform : transforms(configuration)) {
    if (const AppliedTransform* applied = graph.transform(transform.key)) {
      statuses.push_back({transform.key, "applied", applied->details});
    } else if (transform.requested.value) {
      statuses.push_back({transform.key, transform.of_network ? "not applied" : "applied"});
    } else {
      statuses.push_back({transform.key, "off"});
    }
  }
  return statuses;
}

}  // namespace qcal
