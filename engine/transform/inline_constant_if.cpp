#include "engine/transform/inline_constant_if.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "engine/graph/fresh_names.h"

namespace qcal {
namespace {

using Names = std::map<std::string, std::string>;

std::shared_ptr<const Graph> taken_branch(const Graph& graph, const Node& node) {
  if (!node.is("If")) return nullptr;
  const Constant* condition = graph.constant(node.input(0));
  if (!condition || !condition->integers() || condition->integers()->size() != 1) return nullptr;
  const auto found =
      node.attributes.find(condition->integers()->front() != 0 ? "then_branch" : "else_branch");
  if (found == node.attributes.end()) return nullptr;
  const auto* branch = std::get_if<std::shared_ptr<const Graph>>(&found->second);
  if (!branch || (*branch)->outputs.size() != node.outputs.size() || !(*branch)->inputs.empty())
    return nullptr;
  return *branch;
}

// Names that the branch's tensors get in the graph: outputs those of the If, others their own unless taken.
Names names_outside(const Graph& graph, const Node& node, const Graph& branch) {
  Names names;
  std::set<std::string> given;
  const auto define = [&](const std::string& inner) {
    if (inner.empty() || names.contains(inner)) return;
    std::string outer = unused_name(graph, inner);
    while (!given.insert(outer).second) outer += '_';
    names.emplace(inner, std::move(outer));
  };
  for (const auto& [name, constant] : branch.constants) define(name);
  for (const Node& inner : branch.nodes) {
    for (const std::string& output : inner.outputs) define(output);
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const auto made = names.find(branch.outputs[i]);
    // A constant keeps its own name and is copied below: it may be the value of two outputs.
    if (made != names.end() && !branch.constants.contains(branch.outputs[i])) made->second = node.outputs[i];
  }
  return names;
}

std::string renamed(const Names& names, const std::string& name) {
  const auto found = names.find(name);
  return found == names.end() ? name : found->second;
}

bool needs_new_names(const Names& names) {
  return std::ranges::any_of(names, [](const auto& entry) { return entry.first != entry.second; });
}

// The branch's nodes as nodes of the graph; its outputs that are no node's own come through an Identity.
std::vector<Node> outside_nodes(const Node& node, const Graph& branch, const Names& names) {
  std::vector<Node> nodes;
  for (const Node& inner : branch.nodes) {
    Node copy = inner;
    for (std::string& input : copy.inputs) input = renamed(names, input);
    for (std::string& output : copy.outputs) output = renamed(names, output);
    nodes.push_back(std::move(copy));
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const std::string source = renamed(names, branch.outputs[i]);
    if (source == node.outputs[i] || node.outputs[i].empty()) continue;
    Node identity;
    identity.name = node.outputs[i];
    identity.op_type = "Identity";
    identity.inputs = {source};
    identity.outputs = {node.outputs[i]};
    nodes.push_back(std::move(identity));
  }
  return nodes;
}

}  // namespace

Graph inline_constant_ifs(Graph graph) {
  for (std::size_t i = 0; i < graph.nodes.size();) {
    const auto branch = taken_branch(graph, graph.nodes[i]);
    if (!branch) {
      ++i;
      continue;
    }
    const Node node = graph.nodes[i];
    Graph without = graph;
    without.nodes.erase(without.nodes.begin() + std::ptrdiff_t(i));
    const Names names = names_outside(without, node, *branch);
    const bool nested =
        std::ranges::any_of(branch->nodes, [](const Node& inner) { return !inner.captured.empty(); });
    if (nested && needs_new_names(names)) {
      ++i;
      continue;
    }
    for (const auto& [name, constant] : branch->constants)
      without.constants.emplace(renamed(names, name), constant);
    for (const auto& [name, info] : branch->tensors) without.tensors.emplace(renamed(names, name), info);
    std::vector<Node> nodes = outside_nodes(node, *branch, names);
    without.nodes.insert(without.nodes.begin() + std::ptrdiff_t(i), std::make_move_iterator(nodes.begin()),
                         std::make_move_iterator(nodes.end()));
    without.notes.push_back({node.name,
                             "the condition of this If is constant: the branch that is taken counts as part "
                             "of the network"});
    graph = std::move(without);
  }
  return graph;
}

}  // namespace qcal
