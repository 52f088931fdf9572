// What constants and shape arithmetic are made of: ONNX operators on small arrays in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal {

template <class Element>
struct Array {
  Shape shape;  // every dimension known
  std::vector<Element> values;
};

template <class Element>
struct ArrayView {
  Shape shape;
  std::span<const Element> values;
};

// An element of a tensor of sizes: absent where it is known only at run time (a batch size, for example).
using MaybeInteger = std::optional<std::int64_t>;

// The integers in input `index` of a node (axes, starts, ...), where they are known.
using IntegerInput = std::function<std::optional<std::vector<std::int64_t>>(std::size_t index)>;

struct EvaluationLimits {
  std::int64_t opset = 0;
  std::uint64_t elements = 0;  // larger results are not computed
};

// Result of `node`, one of the operators that move elements (Identity, Reshape, Flatten, Squeeze, Unsqueeze,
// Transpose, Expand, Slice, Gather, Concat) or compute element by element (Add, Sub, Mul, Div, Neg; for
// floats also Sqrt and Reciprocal). inputs[i] is absent where input i is omitted or not of type Element.
// Absent result: another operator, missing inputs, shapes that do not fit, or a result above the limit.
//
// Element is float, std::int64_t or MaybeInteger. Floats are computed in float32, as ONNX defines it; integer
// overflow wraps.
template <class Element>
std::optional<Array<Element>> evaluate(const Node& node,
                                       const std::vector<std::optional<ArrayView<Element>>>& inputs,
                                       const IntegerInput& integers, const EvaluationLimits& limits);

// Result of a Gather node; the limit and absence as above.
template <class Element>
std::optional<Array<Element>> evaluate_gather(const Node& node, const ArrayView<Element>& input,
                                              const ArrayView<std::int64_t>& indices,
                                              const EvaluationLimits& limits);

// `axis` counted from the front, where it lies in [-rank, rank).
std::optional<std::size_t> normalised_axis(std::int64_t axis, std::size_t rank);

// Number of elements; absent where a dimension is unknown or the product exceeds 2^40.
std::optional<std::uint64_t> element_count(const Shape& shape);

// What [start : end : step] selects of a dimension of `extent` elements.
struct SliceRange {
  std::int64_t start = 0;
  std::int64_t count = 0;
};
SliceRange slice_range(std::int64_t extent, std::int64_t start, std::int64_t end, std::int64_t step);

// Starts, ends, axes and steps of a Slice node, from attributes (opset 9) or inputs.
struct SliceArguments {
  std::vector<std::int64_t> starts, ends, axes, steps;
};
std::optional<SliceArguments> slice_arguments(const Node& node, const IntegerInput& integers,
                                              std::int64_t opset);

// The axes of Squeeze, Unsqueeze or a reduction: the attribute `axes` or input 1. Absent where they are not
// known; empty where the node names none.
std::optional<std::vector<std::int64_t>> axes_argument(const Node& node, const IntegerInput& integers);

// Unsqueeze's output shape; absent where the axes do not fit.
std::optional<Shape> unsqueezed(const Shape& shape, const std::vector<std::int64_t>& axes);
// Squeeze's; with no axes every dimension of 1 goes.
std::optional<Shape> squeezed(const Shape& shape, const std::vector<std::int64_t>& axes);
// Reshape's: 0 copies the input's dimension (unless allow_zero), -1 takes what is left. Dimensions that
// cannot be known are -1; absent where the shapes cannot fit.
std::optional<Shape> reshaped(const Shape& shape, const std::vector<MaybeInteger>& target, bool allow_zero);
// The common shape under numpy's broadcasting; unknown dimensions take the other's where that is not 1.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

}  // namespace qcal
