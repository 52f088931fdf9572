#include "engine/transform/onnx_spelling.h"

#include <cmath>
#include <utility>
#include <vector>

#include "engine/graph/fresh_names.h"
#include "engine/transform/clamp.h"
#include "engine/transform/drop_dead_nodes.h"

namespace qcal {
namespace {

constexpr std::int64_t first_opset_with_bound_inputs = 11;
constexpr std::int64_t first_opset_with_optional_bias = 11;

bool is_bound(const std::vector<float>& bound) {
  return bound.size() > 1 || std::isfinite(bound.front());
}

// A node ahead of `node` that makes a new tensor, which `node` then reads first.
Node ahead_of(const Graph& graph, Node& node, const char* op) {
  Node added;
  added.op_type = op;
  added.name = node.name + "/" + op;
  added.module_path = node.module_path;
  added.inputs = {node.input(0)};
  added.outputs = {unused_name(graph, node.output(0) + "." + op)};
  node.inputs[0] = added.outputs[0];
  return added;
}

std::vector<Node> split_clip(const Graph& graph, Node node, const Clamp& clamp) {
  std::vector<Node> nodes;
  const std::string lower = node.input(1);
  const std::string upper = node.input(2);
  node.attributes.clear();
  node.inputs = {clamp.input};
  if (is_relu({{}, clamp.lower, {INFINITY}})) {
    nodes.push_back(ahead_of(graph, node, "Relu"));
  } else if (is_bound(clamp.lower)) {
    nodes.push_back(ahead_of(graph, node, "Max"));
    nodes.back().inputs.push_back(lower);
  }
  node.op_type = "Min";
  node.inputs.push_back(upper);
  if (!is_bound(clamp.upper)) {  // what was put ahead is all there is
    nodes.back().outputs = node.outputs;
    return nodes;
  }
  nodes.push_back(std::move(node));
  return nodes;
}

std::vector<Node> clip_spelling(const Graph& graph, Node node) {
  const auto clamp = clamp_of(graph, node);
  if (!clamp) return {std::move(node)};
  if (clamp->lower.size() > 1 || clamp->upper.size() > 1) return split_clip(graph, std::move(node), *clamp);
  if (graph.opset < first_opset_with_bound_inputs && node.inputs.size() > 1) {
    node.inputs.resize(1);
    if (is_bound(clamp->lower)) node.attributes.insert_or_assign("min", clamp->lower.front());
    if (is_bound(clamp->upper)) node.attributes.insert_or_assign("max", clamp->upper.front());
  }
  return {std::move(node)};
}

std::vector<Node> product_and_sum(const Graph& graph, Node product) {
  Node add;
  add.op_type = "Add";
  add.name = product.name + "/Add";
  add.module_path = product.module_path;
  add.outputs = product.outputs;
  product.outputs = {unused_name(graph, product.output(0) + ".product")};
  add.inputs = {product.output(0), product.input(2)};
  product.inputs.resize(2);
  return {std::move(product), std::move(add)};
}

std::vector<Node> spelling_of(const Graph& graph, const Node& node) {
  if (node.is("Clip")) return clip_spelling(graph, node);
  if (node.is("MatMul") && !node.input(2).empty()) return product_and_sum(graph, node);
  const bool was_product = node.is("Gemm") && node.original_op == "MatMul" && node.input(2).empty();
  if (was_product && graph.opset < first_opset_with_optional_bias) {
    Node product = node;
    product.op_type = "MatMul";
    return {std::move(product)};
  }
  return {node};
}

}  // namespace

Graph onnx_spelling(Graph graph) {
  std::vector<Node> nodes;
  for (const Node& node : graph.nodes) {
    for (Node& spelled : spelling_of(graph, node)) nodes.push_back(std::move(spelled));
  }
  graph.nodes = std::move(nodes);
  return drop_dead_nodes(std::move(graph));
}

}  // namespace qcal
