#include "engine/export/raise_opset.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/dumps/in_quotes.h"
#include "engine/error.h"
#include "engine/export/graph_additions.h"

namespace qcal {
namespace {

// The graph in the making, and what a step needs of it.
struct Raising {
  Graph& graph;
  GraphAdditions additions;

  std::string integers(const Node& node, const char* what, std::vector<std::int64_t> values) {
    const Shape shape{static_cast<std::int64_t>(values.size())};
    return additions.integers(node.name + "_" + what, shape, std::move(values), ElementType::int64);
  }
  std::string reals(const Node& node, const char* what, const std::vector<float>& values, bool is_vector) {
    return additions.reals(node.name + "_" + what, values, is_vector);
  }
  std::optional<std::size_t> rank(const Node& node) const {
    const auto shape = graph.info(node.input(0)).shape;
    return shape ? std::optional(shape->size()) : std::nullopt;
  }
};

[[noreturn]] void refuse(const Graph& graph, const Node& node, const char* why) {
  throw InputError(fmt::format("{}: node {} ({}): {}; export the network with opset 13 or later", graph.file,
                               in_quotes(node.name), node.op_type, why));
}

void set_input(Node& node, std::size_t index, std::string name) {
  if (node.inputs.size() <= index) node.inputs.resize(index + 1);
  node.inputs[index] = std::move(name);
}

// The attribute becomes input `index`, where it is there.
void integers_to_input(Raising& raising, Node& node, const char* attribute, std::size_t index) {
  const auto values = node.integers(attribute);
  if (!values) return;
  node.attributes.erase(node.attributes.find(attribute));
  set_input(node, index, raising.integers(node, attribute, *values));
}

void axes_to_input(Raising& raising, Node& node) {
  integers_to_input(raising, node, "axes", 1);
}

void split_to_input(Raising& raising, Node& node) {
  integers_to_input(raising, node, "split", 1);
}

void count_outputs(Raising&, Node& node) {
  if (node.input(1).empty())
    node.attributes.insert_or_assign("num_outputs", static_cast<std::int64_t>(node.outputs.size()));
}

void pad_to_inputs(Raising& raising, Node& node) {
  integers_to_input(raising, node, "pads", 1);
  const float value = node.real("value", 0.0F);
  node.attributes.erase("value");
  if (value != 0.0F) set_input(node, 2, raising.reals(node, "value", {value}, false));
}

void slice_to_inputs(Raising& raising, Node& node) {
  integers_to_input(raising, node, "starts", 1);
  integers_to_input(raising, node, "ends", 2);
  integers_to_input(raising, node, "axes", 3);
}

void k_to_input(Raising& raising, Node& node) {
  if (!node.attributes.contains("k")) return;
  set_input(node, 1, raising.integers(node, "k", {node.integer("k", 1)}));
  node.attributes.erase("k");
}

void scatter_elements(Raising&, Node& node) {
  node.op_type = "ScatterElements";
}

// Upsample and Resize 10 took X and scales, and mapped coordinates in one way.
void resize_with_coordinates(Raising& raising, Node& node) {
  if (node.is("Upsample")) {
    node.op_type = "Resize";
    if (const auto found = node.attributes.find("scales"); found != node.attributes.end()) {
      const auto* scales = std::get_if<std::vector<float>>(&found->second);
      if (scales == nullptr) refuse(raising.graph, node, "its scales are no list of numbers");
      set_input(node, 1, raising.reals(node, "scales", *scales, true));
      node.attributes.erase("scales");
    }
  }
  if (node.text("mode", "nearest") == "bilinear")
    node.attributes.insert_or_assign("mode", std::string("linear"));
  node.inputs = {node.input(0), "", node.input(1)};
  node.attributes.insert_or_assign("coordinate_transformation_mode", std::string("asymmetric"));
  node.attributes.insert_or_assign("nearest_mode", std::string("floor"));
}

// Before opset 13 all axes from `axis` on were one; where that is the last, nothing changed.
void softmax_over_last(Raising& raising, Node& node) {
  const auto rank = raising.rank(node);
  const std::int64_t axis = node.integer("axis", 1);
  const bool is_last = axis == -1 || (rank && axis == static_cast<std::int64_t>(*rank) - 1);
  if (!is_last)
    refuse(raising.graph, node, "its axis is not the last, which means something else since opset 13");
  node.attributes.insert_or_assign("axis", std::int64_t{-1});
}

void grid_modes(Raising&, Node& node) {
  const std::string mode = node.text("mode", "bilinear");
  if (mode == "bilinear") node.attributes.insert_or_assign("mode", std::string("linear"));
  if (mode == "bicubic") node.attributes.insert_or_assign("mode", std::string("cubic"));
}

void refuse_group_norm(Raising& raising, Node& node) {
  refuse(raising.graph, node, "opset 21 has its parameters a channel instead of a group");
}

struct Change {
  std::string_view op;
  std::int64_t opset;  // the first in which the operator is as `apply` leaves it
  void (*apply)(Raising&, Node&);
};

// In the order of their opsets.
constexpr Change changes[] = {
    {"Slice", 10, slice_to_inputs},
    {"TopK", 10, k_to_input},
    {"Resize", 11, resize_with_coordinates},
    {"Upsample", 11, resize_with_coordinates},  // behind Resize, which it becomes
    {"Pad", 11, pad_to_inputs},
    {"Scatter", 11, scatter_elements},
    {"Softmax", 13, softmax_over_last},
    {"LogSoftmax", 13, softmax_over_last},
    {"Hardmax", 13, softmax_over_last},
    {"Squeeze", 13, axes_to_input},
    {"Unsqueeze", 13, axes_to_input},
    {"ReduceSum", 13, axes_to_input},
    {"Split", 13, split_to_input},
    {"Split", 18, count_outputs},
    {"ReduceMean", 18, axes_to_input},
    {"ReduceMax", 18, axes_to_input},
    {"ReduceMin", 18, axes_to_input},
    {"ReduceProd", 18, axes_to_input},
    {"ReduceL1", 18, axes_to_input},
    {"ReduceL2", 18, axes_to_input},
    {"ReduceLogSum", 18, axes_to_input},
    {"ReduceLogSumExp", 18, axes_to_input},
    {"ReduceSumSquare", 18, axes_to_input},
    {"GridSample", 20, grid_modes},
    {"GroupNormalization", 21, refuse_group_norm},
};

bool lies_between(const Change& change, std::int64_t from, std::int64_t to) {
  return change.opset > from && change.opset <= to;
}

// A body stays as the file has it.
void check_body(const Graph& body, const Graph& graph, std::int64_t to) {
  for (const Node& node : body.nodes) {
    for (const Change& change : changes) {
      if (node.is(change.op) && lies_between(change, graph.opset, to))
        refuse(graph, node,
               "it changed between the network's opset and the one that is needed, inside a subgraph");
    }
    for (const auto& [name, attribute] : node.attributes) {
      if (const auto* inner = std::get_if<std::shared_ptr<const Graph>>(&attribute))
        check_body(**inner, graph, to);
    }
  }
}

}  // namespace

Graph raise_opset(Graph graph, std::int64_t opset) {
  if (graph.opset >= opset) return graph;
  Raising raising{graph, GraphAdditions(graph)};
  for (Node& node : graph.nodes) {
    for (const Change& change : changes) {
      if (node.is(change.op) && lies_between(change, graph.opset, opset)) change.apply(raising, node);
    }
    for (const auto& [name, attribute] : node.attributes) {
      if (const auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute))
        check_body(**body, graph, opset);
    }
  }
  graph.opset = opset;
  return graph;
}

}  // namespace qcal
