#include "engine/transform/remove_identities.h"

#include <algorithm>
#include <utility>
namespace qcal {
namespace {

bool trains(const Graph& graph, const Node& dropout) {
  if (dropout.input(2).empty()) return false;
  const Constant* mode = graph.constant(dropout.input(2));
  return !mode || !mode->integers() || mode->integers()->size() != 1 || mode->integers()->front() != 0;
}

bool is_output(const Graph& graph, const std::string& tensor) {
  return std::ranges::find(graph.outputs, tensor) != graph.outputs.end();
}

bool is_captured(const Graph& graph, const std::string& tensor) {
  return std::ranges::any_of(graph.nodes, [&](const Node& node) {
    return std::ranges::find(node.captured, tensor) != node.captured.end();
  });
}

bool is_read(const Graph& graph, const std::string& tensor) {
  return is_output(graph, tensor) || is_captured(graph, tensor) ||
         std::ranges::any_of(graph.nodes, [&](const Node& node) {
           return std::ranges::find(node.inputs, tensor) != node.inputs.end();
         });
}

bool passes_through(const Graph& graph, const Node& node) {
  if (node.input(0).empty() || node.output(0).empty()) return false;
  if (node.is("Identity")) return true;
  if (node.is("Dropout")) {
    const std::string& mask = node.output(1);
    return (mask.empty() || !is_read(graph, mask)) && !trains(graph, node);
  }
  if (node.is("Cast")) {
    const ElementType from = graph.info(node.input(0)).type;
    return from != ElementType::unknown && static_cast<int>(from) == node.integer("to", 0);
  }
  return false;
}

void rename_reads(Graph& graph, const std::string& from, const std::string& to) {
  for (Node& node : graph.nodes) std::ranges::replace(node.inputs, from, to);
}

// Where `output` is a graph output: the node that makes `input` makes `output` instead. False where there is
// none.
bool hand_over_output(Graph& graph, const std::string& input, const std::string& output) {
  if (is_output(graph, input) || is_captured(graph, input)) return false;
  for (Node& node : graph.nodes) {
    const auto made = std::ranges::find(node.outputs, input);
    if (made == node.outputs.end()) continue;
    *made = output;
    rename_reads(graph, input, output);
    return true;
  }
  return false;
}

}  // namespace

Graph remove_identities(Graph graph) {
  for (std::size_t i = 0; i < graph.nodes.size();) {
    const std::string input = graph.nodes[i].input(0);
    const std::string output = graph.nodes[i].output(0);
    if (!passes_through(graph, graph.nodes[i]) || is_captured(graph, output)) {
      ++i;
      continue;
    }
    Node node = std::move(graph.nodes[i]);
    graph.nodes.erase(graph.nodes.begin() + std::ptrdiff_t(i));
    if (!is_output(graph, output)) {
      rename_reads(graph, output, input);
    } else if (!hand_over_output(graph, input, output)) {
      graph.nodes.insert(graph.nodes.begin() + std::ptrdiff_t(i), std::move(node));
      ++i;
    }
  }
  return graph;
}

}  // namespace qcal
