// What a layer with weights computes, in plain numbers: all that a library needs to compute it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/correct/window_axes.h"
#include "engine/graph/weighted_operator.h"

namespace qcal {

// Inputs are [samples, inputs, spatial...], outputs [samples, outputs, spatial...]; those of a matrix product
// are [samples, inputs] and [samples, outputs]. Everything is float32 in C order.
struct ProductShape {
  enum class Kind { convolution, transposed, matrix };
  Kind kind = Kind::matrix;
  std::int64_t samples = 1;  // rows of a matrix product
  std::int64_t inputs = 1;   // channels, over all groups
  std::int64_t outputs = 1;
  std::int64_t groups = 1;
  std::vector<WindowAxis> axes{};  // none for a matrix product
  bool outputs_first = true;       // matrix: weights are [outputs, inputs]; otherwise [inputs, outputs]

  std::size_t input_size() const;
  std::size_t output_size() const;
  // Convolution: [outputs, inputs / groups, kernel...]; transposed: [inputs, outputs / groups, kernel...].
  std::size_t weights_size() const;
  // Of the whole product, those with padding included.
  double multiply_adds() const;
};

// Of `node` for a recorded input of that shape. A matrix product takes a tensor as rows of as many values as
// its weights have inputs; `samples` counts these. Absent where attributes, weights and input do not fit
// together, and for a Gemm that transposes its input and a MatMul whose weights are no matrix.
std::optional<ProductShape> product_shape(const Node& node, const WeightedOperator& layer,
                                          const Shape& input);

}  // namespace qcal
