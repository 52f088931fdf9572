#include "engine/plan/placement.h"

#include <algorithm>

#include "engine/plan/operator_roles.h"

namespace qcal {
namespace {

bool moves_elements(const Node& node) {
  const OperatorEntry* entry = find_operator(node);
  return entry != nullptr && entry->role == OperatorRole::shape;
}

bool multiplies(const Node& node) {
  return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul");
}

// Operators that want values, not only shapes, and read them in quantized form where they are quantized.
std::vector<std::size_t> readers(const PlacementInput& input) {
  std::vector<std::size_t> nodes;
  for (std::size_t i = 0; i < input.graph.nodes.size(); ++i) {
    const Node& node = input.graph.nodes[i];
    const bool wants_shape = node.is("Shape") || node.is("Size");
    if (!wants_shape && !moves_elements(node) && !input.float_layers.contains(i)) nodes.push_back(i);
  }
  return nodes;
}

// The tensors of `quantized` that a node reads, one entry an input that is real data.
struct Sources {
  std::set<std::string> tensors;
  bool all = true;  // every input that is no constant has one
};

Sources sources(const PlacementInput& input, const std::set<std::string>& quantized, const Node& node) {
  Sources result;
  for (const std::string& tensor : node.inputs) {
    if (tensor.empty() || input.graph.constant(tensor)) continue;
    if (auto source = quantized_source(input.graph, input.index, quantized, tensor)) {
      result.tensors.insert(std::move(*source));
    } else {
      result.all = false;
    }
  }
  return result;
}

std::set<std::string> read_by_products(const PlacementInput& input, const std::set<std::string>& candidates) {
  std::set<std::string> tensors;
  for (const std::size_t reader : readers(input)) {
    const Node& node = input.graph.nodes[reader];
    if (multiplies(node)) tensors.merge(sources(input, candidates, node).tensors);
  }
  return tensors;
}

Placed for_every_operator(const PlacementInput& input, const std::set<std::string>& quantized) {
  Placed placed;
  for (const std::string& tensor : quantized) placed.emplace(tensor, QuantizedReaders{});
  for (const std::size_t reader : readers(input)) {
    for (const std::string& tensor : sources(input, quantized, input.graph.nodes[reader]).tensors)
      placed.at(tensor).nodes.insert(reader);
  }
  return placed;
}

bool feeds_only_concat(const PlacementInput& input, const std::string& tensor) {
  const auto& nodes = input.index.consumers(tensor);
  return !nodes.empty() && !input.index.is_output(tensor) &&
         std::ranges::all_of(nodes, [&](std::size_t node) { return input.graph.nodes[node].is("Concat"); });
}

Placed by_groups(const PlacementInput& input, const std::set<std::string>& candidates) {
  std::set<std::string> quantized = candidates;
  for (const Group& group : input.groups) {
    if (feeds_only_concat(input, group.output)) quantized.erase(group.output);
  }
  Placed placed = for_every_operator(input, quantized);
  for (const std::string& output : input.graph.outputs) {
    if (const auto source = quantized_source(input.graph, input.index, quantized, output))
      placed.at(*source).graph_output = true;
  }
  return placed;
}

Placed for_products(const PlacementInput& input, const std::set<std::string>& candidates) {
  const std::set<std::string> quantized = read_by_products(input, candidates);
  Placed placed;
  for (const std::size_t reader : readers(input)) {
    const Node& node = input.graph.nodes[reader];
    const Sources read = sources(input, quantized, node);
    const bool sums_quantized = node.is("Add") && read.all && read.tensors.size() == 2;
    if (!multiplies(node) && !sums_quantized) continue;
    for (const std::string& tensor : read.tensors) placed[tensor].nodes.insert(reader);
  }
  return placed;
}

Placed for_integer_kernels(const PlacementInput& input, const std::set<std::string>& candidates) {
  const std::set<std::string> multiplied = read_by_products(input, candidates);
  std::set<std::string> quantized = multiplied;
  for (const Group& group : input.groups) {
    const bool has_kernel =
        input.graph.nodes[group.head].is("Conv") && !input.float_layers.contains(group.head);
    const bool can_be = candidates.contains(group.output) && !input.index.is_output(group.output);
    if (has_kernel && can_be) quantized.insert(group.output);
  }
  Placed placed = for_every_operator(input, quantized);
  for (auto& [tensor, readers] : placed) readers.only_for_kernels = !multiplied.contains(tensor);
  return placed;
}

}  // namespace

bool selects_values(const Node& node) {
  if (node.is("MaxPool") || node.is("GlobalMaxPool")) return true;
  return (node.is("Resize") || node.is("Upsample")) && node.text("mode", "nearest") == "nearest";
}

std::optional<std::string> quantized_source(const Graph& graph, const GraphIndex& index,
                                            const std::set<std::string>& quantized, std::string tensor) {
  while (!quantized.contains(tensor)) {
    const auto producer = index.producer(tensor);
    if (!producer || !moves_elements(graph.nodes[*producer])) return std::nullopt;
    tensor = graph.nodes[*producer].input(0);
  }
  return tensor;
}

Placed place(Placement policy, const PlacementInput& input, const std::set<std::string>& candidates) {
  switch (policy) {
    case Placement::compute:
      return for_products(input, candidates);
    case Placement::fused:
      return for_integer_kernels(input, candidates);
    case Placement::groups:
      break;
  }
  return by_groups(input, candidates);
}

}  // namespace qcal
