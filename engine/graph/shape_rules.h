// One rule an ONNX operator: the shape of its outputs from the shapes of its inputs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/shape_arithmetic.h"

namespace qcal {

// What a rule may ask about a node's inputs.
struct RuleContext {
  const Node& node;
  std::int64_t opset = 0;
  std::vector<std::optional<Shape>> shapes;  // of the inputs; absent: rank unknown or input omitted
  IntegerInput integers;                     // integer inputs known as a whole
  std::function<std::optional<std::vector<MaybeInteger>>(std::size_t index)> maybe_integers;  // or in part
  std::function<std::optional<std::vector<float>>(std::size_t index)> reals;  // constant float inputs

  const Shape* shape(std::size_t index) const {
    return index < shapes.size() && shapes[index] ? &*shapes[index] : nullptr;
  }
};

// Shapes of the node's outputs; all absent for an operator without a rule or for shapes that do not fit
// together.
std::vector<std::optional<Shape>> output_shapes(const RuleContext& context);

}  // namespace qcal
