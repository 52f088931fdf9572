#include "engine/graph/shape_inference.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "engine/graph/array_ops.h"
#include "engine/graph/output_types.h"
#include "engine/graph/shape_rules.h"

namespace qcal {
namespace {

// Tensors of sizes longer than this are data, not shapes.
constexpr std::uint64_t longest_size_tensor = 4096;

using PartlyKnown = std::map<std::string, Array<MaybeInteger>, std::less<>>;

// Integer tensor `name` with the elements that are known: a constant, or computed from shapes.
std::optional<Array<MaybeInteger>> partly_known(const Graph& graph, const PartlyKnown& known,
                                                const std::string& name) {
  if (const Constant* constant = graph.constant(name)) {
    const auto* integers = constant->integers();
    if (!integers || integers->size() > longest_size_tensor) return std::nullopt;
    return Array<MaybeInteger>{constant->shape, {integers->begin(), integers->end()}};
  }
  const auto found = known.find(name);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::vector<std::int64_t>> wholly_known(const std::optional<Array<MaybeInteger>>& array) {
  if (!array) return std::nullopt;
  std::vector<std::int64_t> values;
  for (const MaybeInteger& value : array->values) {
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

RuleContext rule_context(const Graph& graph, const PartlyKnown& known, const Node& node) {
  RuleContext context{node, graph.opset, {}, {}, {}, {}};
  for (const std::string& input : node.inputs) context.shapes.push_back(graph.info(input).shape);
  context.integers = [&](std::size_t index) {
    return wholly_known(partly_known(graph, known, node.input(index)));
  };
  context.maybe_integers = [&](std::size_t index) -> std::optional<std::vector<MaybeInteger>> {
    auto array = partly_known(graph, known, node.input(index));
    return array ? std::optional(std::move(array->values)) : std::nullopt;
  };
  context.reals = [&](std::size_t index) -> std::optional<std::vector<float>> {
    const Constant* constant = graph.constant(node.input(index));
    return constant && constant->reals() ? std::optional(*constant->reals()) : std::nullopt;
  };
  return context;
}

Array<MaybeInteger> sizes_of(const Shape& shape, const Node& node) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  const SliceRange range = slice_range(rank, node.integer("start", 0), node.integer("end", rank), 1);
  Array<MaybeInteger> sizes{{range.count}, {}};
  for (std::int64_t i = 0; i < range.count; ++i) {
    const std::int64_t extent = shape[static_cast<std::size_t>(range.start + i)];
    sizes.values.push_back(extent < 0 ? MaybeInteger() : MaybeInteger(extent));
  }
  return sizes;
}

// What is known of the elements of an integer node's output.
std::optional<Array<MaybeInteger>> computed_sizes(const Graph& graph, const PartlyKnown& known,
                                                  const Node& node, const RuleContext& context) {
  if (node.outputs.size() != 1 || !node.domain.empty()) return std::nullopt;
  if (node.is("Shape")) {
    const Shape* shape = context.shape(0);
    return shape ? std::optional(sizes_of(*shape, node)) : std::nullopt;
  }
  std::vector<std::optional<Array<MaybeInteger>>> arrays;
  for (const std::string& input : node.inputs) arrays.push_back(partly_known(graph, known, input));
  if (arrays.empty() || !arrays.front()) return std::nullopt;
  if (node.is("Cast")) {
    const auto to = static_cast<ElementType>(node.integer("to", 0));
    return to == ElementType::int64 || to == ElementType::int32 ? arrays.front() : std::nullopt;
  }
  const EvaluationLimits limits{graph.opset, longest_size_tensor};
  if (node.is("Gather")) {
    const auto indices = arrays.size() > 1 ? wholly_known(arrays[1]) : std::nullopt;
    if (!indices) return std::nullopt;
    return evaluate_gather<MaybeInteger>(node, {arrays[0]->shape, arrays[0]->values},
                                         {arrays[1]->shape, *indices}, limits);
  }
  std::vector<std::optional<ArrayView<MaybeInteger>>> inputs;
  for (const auto& array : arrays) {
    inputs.push_back(array ? std::optional(ArrayView<MaybeInteger>{array->shape, array->values})
                           : std::nullopt);
  }
  return evaluate(node, inputs, context.integers, limits);
}

// Rules multiply and add extents: one too large for that counts as unknown.
void forget_absurd_extents(TensorInfo& info) {
  if (!info.shape) return;
  for (std::int64_t& extent : *info.shape) extent = extent >= 0 && extent < largest_extent ? extent : -1;
}

TensorInfo combined(const TensorInfo& inferred, const TensorInfo& declared) {
  TensorInfo result = inferred;
  if (result.type == ElementType::unknown) result.type = declared.type;
  if (!result.shape) {
    result.shape = declared.shape;
  } else if (declared.shape && declared.shape->size() == result.shape->size()) {
    for (std::size_t i = 0; i < result.shape->size(); ++i) {
      if ((*result.shape)[i] < 0) (*result.shape)[i] = (*declared.shape)[i];
    }
  }
  forget_absurd_extents(result);
  return result;
}

}  // namespace

Graph infer_shapes(Graph graph) {
  for (auto& [name, info] : graph.tensors) forget_absurd_extents(info);
  PartlyKnown known;
  for (const Node& node : graph.nodes) {
    const RuleContext context = rule_context(graph, known, node);
    const auto shapes = output_shapes(context);
    const auto fixed = fixed_output_type(graph, node);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i].empty()) continue;
      const ElementType type = fixed ? *fixed : graph.info(node.input(0)).type;
      graph.tensors[node.outputs[i]] = combined({type, shapes[i]}, graph.info(node.outputs[i]));
    }
    if (node.outputs.empty() || !is_integral(graph.info(node.output(0)).type)) continue;
    auto sizes = computed_sizes(graph, known, node, context);
    if (!sizes) continue;
    const bool is_output = std::ranges::find(graph.outputs, node.output(0)) != graph.outputs.end();
    if (auto values = wholly_known(sizes); values && !is_output) {
      graph.constants.insert_or_assign(node.output(0), make_constant(sizes->shape, std::move(*values)));
    } else {
      known.insert_or_assign(node.output(0), std::move(*sizes));
    }
  }
  std::erase_if(graph.nodes, [&](const Node& node) {
    return node.outputs.size() == 1 && graph.constants.contains(node.output(0));
  });
  return graph;
}

}  // namespace qcal
