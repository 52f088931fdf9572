#include "engine/graph/array_ops.h"

#include <cmath>
#include <numeric>
#include <utility>

namespace qcal {
namespace {

using Strides = std::vector<std::int64_t>;

Strides row_major_strides(const Shape& shape) {
  Strides strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

bool fits(const Shape& shape, const EvaluationLimits& limits) {
  const auto count = element_count(shape);
  return count && *count <= limits.elements;
}

// Elements of `shape` in C order, element (i, j, ...) from data[offset + i * strides[0] + j * strides[1] +
// ...].
template <class Element>
std::vector<Element> gather_strided(std::span<const Element> data, const Shape& shape, const Strides& strides,
                                    std::int64_t offset) {
  const std::uint64_t count = element_count(shape).value_or(0);
  std::vector<Element> values;
  values.reserve(count);
  Shape position(shape.size(), 0);
  std::int64_t at = offset;
  for (std::uint64_t i = 0; i < count; ++i) {
    values.push_back(data[static_cast<std::size_t>(at)]);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      at += strides[axis];
      if (++position[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
  return values;
}

// Strides that read an array of `shape` as if it were broadcast to `wider`.
Strides broadcast_strides(const Shape& shape, const Shape& wider) {
  const Strides own = row_major_strides(shape);
  Strides strides(wider.size(), 0);
  const std::size_t extra = wider.size() - shape.size();
  for (std::size_t i = 0; i < shape.size(); ++i) strides[extra + i] = shape[i] == 1 ? 0 : own[i];
  return strides;
}

template <class Element>
using Inputs = std::vector<std::optional<ArrayView<Element>>>;

template <class Element>
const ArrayView<Element>* input_at(const Inputs<Element>& inputs, std::size_t index) {
  return index < inputs.size() && inputs[index] ? &*inputs[index] : nullptr;
}

template <class Element>
Array<Element> with_shape(const ArrayView<Element>& input, Shape shape) {
  return {std::move(shape), {input.values.begin(), input.values.end()}};
}

template <class Element>
std::optional<Array<Element>> transpose(const Node& node, const ArrayView<Element>& input) {
  const std::size_t rank = input.shape.size();
  std::vector<std::int64_t> order = node.integers("perm").value_or(std::vector<std::int64_t>{});
  if (order.empty()) {
    order.resize(rank);
    std::iota(order.rbegin(), order.rend(), 0);
  }
  if (order.size() != rank) return std::nullopt;
  const Strides own = row_major_strides(input.shape);
  Shape shape;
  Strides strides;
  std::vector<bool> seen(rank, false);
  for (const std::int64_t from : order) {
    if (from < 0 || from >= static_cast<std::int64_t>(rank) || seen[from]) return std::nullopt;
    seen[from] = true;
    shape.push_back(input.shape[from]);
    strides.push_back(own[from]);
  }
  return Array<Element>{shape, gather_strided(input.values, shape, strides, 0)};
}

template <class Element>
std::optional<Array<Element>> expand(const ArrayView<Element>& input, const std::vector<std::int64_t>& target,
                                     const EvaluationLimits& limits) {
  const auto shape = broadcast(input.shape, target);
  if (!shape || !fits(*shape, limits)) return std::nullopt;
  return Array<Element>{*shape,
                        gather_strided(input.values, *shape, broadcast_strides(input.shape, *shape), 0)};
}

template <class Element>
std::optional<Array<Element>> slice(const ArrayView<Element>& input, const SliceArguments& arguments) {
  Shape shape = input.shape;
  Strides strides = row_major_strides(shape);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < arguments.axes.size(); ++i) {
    const auto axis = normalised_axis(arguments.axes[i], shape.size());
    if (!axis || shape[*axis] != input.shape[*axis] || arguments.steps[i] == 0) return std::nullopt;
    const SliceRange range =
        slice_range(shape[*axis], arguments.starts[i], arguments.ends[i], arguments.steps[i]);
    offset += range.start * strides[*axis];
    shape[*axis] = range.count;
    // Where at most one element is left the stride is never followed, and a huge step must not overflow it.
    strides[*axis] = range.count > 1 ? strides[*axis] * arguments.steps[i] : 0;
  }
  return Array<Element>{shape, gather_strided(input.values, shape, strides, offset)};
}

template <class Element>
std::optional<Array<Element>> gather(const Node& node, const ArrayView<Element>& input,
                                     const Shape& indices_shape, const std::vector<std::int64_t>& indices,
                                     const EvaluationLimits& limits) {
  const auto axis = normalised_axis(node.integer("axis", 0), input.shape.size());
  if (!axis) return std::nullopt;
  Shape shape(input.shape.begin(), input.shape.begin() + std::ptrdiff_t(*axis));
  const std::uint64_t outer = element_count(shape).value_or(0);
  const Shape tail(input.shape.begin() + std::ptrdiff_t(*axis) + 1, input.shape.end());
  const std::uint64_t inner = element_count(tail).value_or(0);
  shape.insert(shape.end(), indices_shape.begin(), indices_shape.end());
  shape.insert(shape.end(), tail.begin(), tail.end());
  if (!fits(shape, limits)) return std::nullopt;
  const std::int64_t extent = input.shape[*axis];
  Array<Element> result{shape, {}};
  for (std::uint64_t o = 0; o < outer; ++o) {
    for (const std::int64_t index : indices) {
      if (index < -extent || index >= extent) return std::nullopt;
      const std::uint64_t row = static_cast<std::uint64_t>(index < 0 ? index + extent : index);
      const auto block = input.values.subspan((o * static_cast<std::uint64_t>(extent) + row) * inner, inner);
      result.values.insert(result.values.end(), block.begin(), block.end());
    }
  }
  return result;
}

template <class Element>
std::optional<Array<Element>> concat(const Node& node, const Inputs<Element>& inputs,
                                     const EvaluationLimits& limits) {
  const ArrayView<Element>* first = input_at(inputs, 0);
  if (!first || inputs.size() != node.inputs.size()) return std::nullopt;
  const auto axis = normalised_axis(node.integer("axis", 0), first->shape.size());
  if (!axis) return std::nullopt;
  Shape shape = first->shape;
  shape[*axis] = 0;
  for (const auto& input : inputs) {
    if (!input || input->shape.size() != shape.size()) return std::nullopt;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (i != *axis && input->shape[i] != shape[i]) return std::nullopt;
    }
    shape[*axis] += input->shape[*axis];
  }
  if (!fits(shape, limits)) return std::nullopt;
  const std::uint64_t outer =
      element_count(Shape(shape.begin(), shape.begin() + std::ptrdiff_t(*axis))).value_or(0);
  Array<Element> result{shape, {}};
  for (std::uint64_t o = 0; o < outer; ++o) {
    for (const auto& input : inputs) {
      const std::uint64_t block = input->values.size() / outer;
      const auto part = input->values.subspan(o * block, block);
      result.values.insert(result.values.end(), part.begin(), part.end());
    }
  }
  return result;
}

std::int64_t wrap(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

std::optional<std::int64_t> compute(std::string_view op, std::int64_t a, std::int64_t b) {
  const auto x = static_cast<std::uint64_t>(a);
  const auto y = static_cast<std::uint64_t>(b);
  if (op == "Add") return wrap(x + y);
  if (op == "Sub") return wrap(x - y);
  if (op == "Mul") return wrap(x * y);
  if (op == "Div" && b == -1) return wrap(0 - x);
  if (op == "Div" && b != 0) return a / b;
  return std::nullopt;
}

std::optional<float> compute(std::string_view op, float a, float b) {
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  if (op == "Div") return a / b;
  return std::nullopt;
}

std::optional<MaybeInteger> compute(std::string_view op, const MaybeInteger& a, const MaybeInteger& b) {
  if (!a || !b) return MaybeInteger();
  const auto result = compute(op, *a, *b);
  return result ? std::optional<MaybeInteger>(*result) : std::nullopt;
}

std::optional<std::int64_t> compute(std::string_view op, std::int64_t a) {
  return op == "Neg" ? std::optional(wrap(0 - static_cast<std::uint64_t>(a))) : std::nullopt;
}

std::optional<float> compute(std::string_view op, float a) {
  if (op == "Neg") return -a;
  if (op == "Sqrt") return std::sqrt(a);
  if (op == "Reciprocal") return 1.0F / a;
  return std::nullopt;
}

std::optional<MaybeInteger> compute(std::string_view op, const MaybeInteger& a) {
  if (!a) return MaybeInteger();
  const auto result = compute(op, *a);
  return result ? std::optional<MaybeInteger>(*result) : std::nullopt;
}

template <class Element>
std::optional<Array<Element>> binary(const Node& node, const ArrayView<Element>& a,
                                     const ArrayView<Element>& b, const EvaluationLimits& limits) {
  const auto shape = broadcast(a.shape, b.shape);
  if (!shape || !fits(*shape, limits)) return std::nullopt;
  std::vector<Element> left = gather_strided(a.values, *shape, broadcast_strides(a.shape, *shape), 0);
  const std::vector<Element> right = gather_strided(b.values, *shape, broadcast_strides(b.shape, *shape), 0);
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto value = compute(node.op_type, left[i], right[i]);
    if (!value) return std::nullopt;
    left[i] = *value;
  }
  return Array<Element>{*shape, std::move(left)};
}

template <class Element>
std::optional<Array<Element>> unary(const Node& node, const ArrayView<Element>& input) {
  Array<Element> result = with_shape(input, input.shape);
  for (Element& element : result.values) {
    const auto value = compute(node.op_type, element);
    if (!value) return std::nullopt;
    element = *value;
  }
  return result;
}

std::vector<MaybeInteger> as_maybe(const std::vector<std::int64_t>& values) {
  return {values.begin(), values.end()};
}

// Every dimension known, as many elements as the input has.
template <class Element>
std::optional<Array<Element>> same_elements(const ArrayView<Element>& input,
                                            const std::optional<Shape>& shape) {
  if (!shape || element_count(*shape) != std::optional<std::uint64_t>(input.values.size()))
    return std::nullopt;
  return with_shape(input, *shape);
}

}  // namespace

template <class Element>
std::optional<Array<Element>> evaluate(const Node& node, const Inputs<Element>& inputs,
                                       const IntegerInput& integers, const EvaluationLimits& limits) {
  const ArrayView<Element>* input = input_at(inputs, 0);
  if (!node.domain.empty() || !input) return std::nullopt;
  const std::string& op = node.op_type;
  if (op == "Identity") return with_shape(*input, input->shape);
  if (op == "Transpose") return transpose(node, *input);
  if (op == "Concat") return concat(node, inputs, limits);
  if (op == "Neg" || op == "Sqrt" || op == "Reciprocal") return unary(node, *input);
  if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div") {
    const ArrayView<Element>* other = input_at(inputs, 1);
    return other ? binary(node, *input, *other, limits) : std::nullopt;
  }
  if (op == "Reshape") {
    const auto target = integers(1);
    if (!target) return std::nullopt;
    return same_elements(*input,
                         reshaped(input->shape, as_maybe(*target), node.integer("allowzero", 0) != 0));
  }
  if (op == "Flatten") {
    const auto rank = static_cast<std::int64_t>(input->shape.size());
    const std::int64_t axis = node.integer("axis", 1);
    if (axis < -rank || axis > rank) return std::nullopt;
    const auto split = input->shape.begin() + (axis < 0 ? axis + rank : axis);
    const auto rows = element_count(Shape(input->shape.begin(), split));
    const auto columns = element_count(Shape(split, input->shape.end()));
    if (!rows || !columns) return std::nullopt;
    return with_shape(*input, {wrap(*rows), wrap(*columns)});
  }
  if (op == "Squeeze" || op == "Unsqueeze") {
    const auto axes = axes_argument(node, integers);
    if (!axes) return std::nullopt;
    return same_elements(*input,
                         op == "Squeeze" ? squeezed(input->shape, *axes) : unsqueezed(input->shape, *axes));
  }
  if (op == "Expand") {
    const auto target = integers(1);
    return target ? expand(*input, *target, limits) : std::nullopt;
  }
  if (op == "Slice") {
    const auto arguments = slice_arguments(node, integers, limits.opset);
    return arguments ? slice(*input, *arguments) : std::nullopt;
  }
  return std::nullopt;
}

template std::optional<Array<float>> evaluate(const Node&, const Inputs<float>&, const IntegerInput&,
                                              const EvaluationLimits&);
template std::optional<Array<std::int64_t>> evaluate(const Node&, const Inputs<std::int64_t>&,
                                                     const IntegerInput&, const EvaluationLimits&);
template std::optional<Array<MaybeInteger>> evaluate(const Node&, const Inputs<MaybeInteger>&,
                                                     const IntegerInput&, const EvaluationLimits&);

template <class Element>
std::optional<Array<Element>> evaluate_gather(const Node& node, const ArrayView<Element>& input,
                                              const ArrayView<std::int64_t>& indices,
                                              const EvaluationLimits& limits) {
  if (!node.is("Gather")) return std::nullopt;
  return gather(node, input, indices.shape, {indices.values.begin(), indices.values.end()}, limits);
}

template std::optional<Array<float>> evaluate_gather(const Node&, const ArrayView<float>&,
                                                     const ArrayView<std::int64_t>&, const EvaluationLimits&);
template std::optional<Array<std::int64_t>> evaluate_gather(const Node&, const ArrayView<std::int64_t>&,
                                                            const ArrayView<std::int64_t>&,
                                                            const EvaluationLimits&);
template std::optional<Array<MaybeInteger>> evaluate_gather(const Node&, const ArrayView<MaybeInteger>&,
                                                            const ArrayView<std::int64_t>&,
                                                            const EvaluationLimits&);

}  // namespace qcal
