#include "engine/graph/constant_folding.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "engine/graph/array_ops.h"

namespace qcal {
namespace {

using Integers = std::vector<std::int64_t>;

ConstantPointer typed(ElementType type, Shape shape, std::vector<float> values) {
  return std::make_shared<Constant>(Constant{type, std::move(shape), std::move(values)});
}

ConstantPointer typed(ElementType type, Shape shape, Integers values) {
  return std::make_shared<Constant>(Constant{type, std::move(shape), std::move(values)});
}

template <class Element>
std::optional<ArrayView<Element>> view(const Constant* constant) {
  if (!constant) return std::nullopt;
  const auto* values = std::get_if<std::vector<Element>>(&constant->values);
  return values ? std::optional(ArrayView<Element>{constant->shape, *values}) : std::nullopt;
}

template <class Element>
ConstantPointer evaluated(const Graph& graph, const Node& node, const IntegerInput& integers,
                          const EvaluationLimits& limits) {
  std::vector<std::optional<ArrayView<Element>>> inputs;
  for (const std::string& input : node.inputs) inputs.push_back(view<Element>(graph.constant(input)));
  if (inputs.empty() || !inputs.front()) return nullptr;
  std::optional<Array<Element>> result;
  if (node.is("Gather")) {
    const auto indices = view<std::int64_t>(graph.constant(node.input(1)));
    if (indices) result = evaluate_gather(node, *inputs.front(), *indices, limits);
  } else {
    result = evaluate(node, inputs, integers, limits);
  }
  if (!result) return nullptr;
  return typed(graph.constant(node.input(0))->type, std::move(result->shape), std::move(result->values));
}

// Integers from floats truncate towards zero; what does not fit is undefined in ONNX and not folded.
ConstantPointer cast(const Constant& input, ElementType to) {
  if (const auto* reals = input.reals()) {
    if (is_real(to)) return typed(to, input.shape, *reals);
    if (!is_integral(to)) return nullptr;
    Integers values;
    for (const float value : *reals) {
      if (!(std::fabs(value) < 9.0e18F)) return nullptr;
      const bool flag = to == ElementType::boolean;
      values.push_back(flag ? std::int64_t{value != 0} : static_cast<std::int64_t>(value));
    }
    return typed(to, input.shape, std::move(values));
  }
  if (const auto* integers = input.integers()) {
    if (is_real(to)) return typed(to, input.shape, std::vector<float>(integers->begin(), integers->end()));
    if (is_integral(to)) return typed(to, input.shape, *integers);
  }
  return nullptr;
}

ConstantPointer shape_of(const Constant& input, const Node& node) {
  const auto rank = static_cast<std::int64_t>(input.shape.size());
  const SliceRange range = slice_range(rank, node.integer("start", 0), node.integer("end", rank), 1);
  const auto begin = input.shape.begin() + range.start;
  return make_constant({range.count}, Integers(begin, begin + range.count));
}

ConstantPointer constant_of_shape(const Node& node, const Integers& shape, std::uint64_t element_limit) {
  const auto count = element_count(shape);
  if (!count || *count > element_limit) return nullptr;
  const auto found = node.attributes.find("value");
  if (found == node.attributes.end()) return make_constant(shape, std::vector<float>(*count, 0.0F));
  const auto* value = std::get_if<ConstantPointer>(&found->second);
  if (!value) return nullptr;
  if (const auto* reals = (*value)->reals(); reals && reals->size() == 1) {
    return typed((*value)->type, shape, std::vector<float>(*count, reals->front()));
  }
  if (const auto* integers = (*value)->integers(); integers && integers->size() == 1) {
    return typed((*value)->type, shape, Integers(*count, integers->front()));
  }
  return nullptr;
}

ConstantPointer range(const Graph& graph, const Node& node, std::uint64_t element_limit) {
  Integers bounds;
  for (std::size_t i = 0; i < 3; ++i) {
    const Constant* bound = graph.constant(node.input(i));
    if (!bound || !bound->integers() || bound->integers()->size() != 1) return nullptr;
    bounds.push_back(bound->integers()->front());
  }
  constexpr std::int64_t largest = std::int64_t{1} << 40;
  if (std::ranges::any_of(bounds, [](std::int64_t x) { return x < -largest || x > largest; })) return nullptr;
  if (bounds[2] == 0) return nullptr;
  const std::int64_t distance = bounds[1] - bounds[0];
  const bool empty = (distance > 0) != (bounds[2] > 0) || distance == 0;
  const std::int64_t size = std::abs(bounds[2]);
  const std::int64_t count = empty ? 0 : (std::abs(distance) + size - 1) / size;
  if (static_cast<std::uint64_t>(count) > element_limit) return nullptr;
  Integers values(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = bounds[0] + i * bounds[2];
  return typed(graph.constant(node.input(0))->type, {count}, std::move(values));
}

ConstantPointer folded(const Graph& graph, const Node& node, std::uint64_t element_limit) {
  if (!node.domain.empty() || node.outputs.size() != 1 || !node.captured.empty()) return nullptr;
  const Constant* first = graph.constant(node.input(0));
  if (!first) return nullptr;
  if (node.is("Shape")) return shape_of(*first, node);
  if (node.is("CastLike")) {
    const ElementType to = graph.info(node.input(1)).type;
    return cast(*first, to == ElementType::unknown ? first->type : to);
  }
  for (const std::string& input : node.inputs) {
    if (!input.empty() && !graph.constant(input)) return nullptr;
  }
  if (node.is("Cast")) return cast(*first, static_cast<ElementType>(node.integer("to", 0)));
  if (node.is("ConstantOfShape")) {
    return first->integers() ? constant_of_shape(node, *first->integers(), element_limit) : nullptr;
  }
  if (node.is("Range")) return range(graph, node, element_limit);
  std::uint64_t largest = element_limit;
  for (const std::string& input : node.inputs) {
    if (const Constant* constant = graph.constant(input)) {
      largest = std::max(largest, element_count(constant->shape).value_or(0));
    }
  }
  const EvaluationLimits limits{graph.opset, largest};
  const IntegerInput integers = [&](std::size_t index) -> std::optional<Integers> {
    const Constant* constant = graph.constant(node.input(index));
    return constant && constant->integers() ? std::optional(*constant->integers()) : std::nullopt;
  };
  if (first->reals()) return evaluated<float>(graph, node, integers, limits);
  return evaluated<std::int64_t>(graph, node, integers, limits);
}

}  // namespace

Graph fold_constants(Graph graph, std::uint64_t element_limit) {
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    const bool is_output = std::ranges::find(graph.outputs, node.output(0)) != graph.outputs.end();
    if (ConstantPointer value = is_output ? nullptr : folded(graph, node, element_limit)) {
      graph.constants.insert_or_assign(node.output(0), std::move(value));
    } else {
      kept.push_back(std::move(node));
    }
  }
  graph.nodes = std::move(kept);
  return graph;
}

}  // namespace qcal
