// What constants and shape arithmetic are made of: ONNX operators on small arrays in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/shape_arithmetic.h"

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

}  // namespace qcal
