#include "engine/graph/window_shapes.h"

#include <algorithm>
#include <string>
#include <vector>

namespace qcal {
namespace {

// Geometry of a window that slides over the spatial axes: convolutions and pools.
struct Window {
  std::vector<std::int64_t> kernel, strides, dilations, pads;
  std::string auto_pad;
  bool ceil_mode = false;
};

std::optional<Window> window(const Node& node, const std::vector<std::int64_t>& kernel) {
  const std::size_t rank = kernel.size();
  Window result{kernel,
                node.integers("strides").value_or(std::vector<std::int64_t>(rank, 1)),
                node.integers("dilations").value_or(std::vector<std::int64_t>(rank, 1)),
                node.integers("pads").value_or(std::vector<std::int64_t>(2 * rank, 0)),
                node.text("auto_pad", "NOTSET"),
                node.integer("ceil_mode", 0) != 0};
  if (result.strides.size() != rank || result.dilations.size() != rank || result.pads.size() != 2 * rank) {
    return std::nullopt;
  }
  for (const auto* values : {&result.kernel, &result.strides, &result.dilations, &result.pads}) {
    if (!plausible(*values)) return std::nullopt;
  }
  if (std::ranges::any_of(result.strides, [](std::int64_t stride) { return stride < 1; }))
    return std::nullopt;
  return result;
}

std::int64_t window_positions(const Window& window, std::size_t axis, std::int64_t extent) {
  if (extent < 0) return -1;
  const std::int64_t stride = window.strides[axis];
  if (window.auto_pad.starts_with("SAME")) return (extent + stride - 1) / stride;
  const std::int64_t reach = window.dilations[axis] * (window.kernel[axis] - 1) + 1;
  std::int64_t before = 0;
  std::int64_t after = 0;
  if (window.auto_pad != "VALID") {
    before = window.pads[axis];
    after = window.pads[axis + window.kernel.size()];
  }
  const std::int64_t travel = extent + before + after - reach;
  if (travel < 0) return -1;
  std::int64_t positions = travel / stride + 1;
  if (window.ceil_mode && travel % stride != 0) {
    // The last window must begin inside the input or its leading padding.
    if (positions * stride < extent + before) ++positions;
  }
  return positions;
}

std::optional<Shape> slide(const Node& node, const Shape& input, const std::vector<std::int64_t>& kernel,
                           std::int64_t channels) {
  if (input.size() != kernel.size() + 2) return std::nullopt;
  const auto geometry = window(node, kernel);
  if (!geometry) return std::nullopt;
  Shape result{input[0], channels};
  for (std::size_t i = 0; i < kernel.size(); ++i)
    result.push_back(window_positions(*geometry, i, input[i + 2]));
  return result;
}

std::vector<std::int64_t> kernel_of(const Node& node, const Shape& weights) {
  return node.integers("kernel_shape")
      .value_or(std::vector<std::int64_t>(weights.begin() + 2, weights.end()));
}

// The batch is known to be unknown even where nothing else is: the rank of a convolution's output is its
// weights'.
Shape input_or_unknown(const RuleContext& context, std::size_t rank) {
  const Shape* input = context.shape(0);
  return input ? *input : Shape(rank, -1);
}

}  // namespace

std::optional<Shape> conv_shape(const RuleContext& context) {
  const Shape* weights = context.shape(1);
  if (!weights || weights->size() < 3) return std::nullopt;
  return slide(context.node, input_or_unknown(context, weights->size()), kernel_of(context.node, *weights),
               (*weights)[0]);
}

std::optional<Shape> conv_transpose_shape(const RuleContext& context) {
  const Shape* weights = context.shape(1);
  if (!weights || weights->size() < 3) return std::nullopt;
  const Shape input = input_or_unknown(context, weights->size());
  const std::int64_t group = context.node.integer("group", 1);
  const auto geometry = window(context.node, kernel_of(context.node, *weights));
  if (!geometry || input.size() != weights->size() || !plausible({group, (*weights)[1]})) return std::nullopt;
  const std::size_t rank = geometry->kernel.size();
  Shape result{input[0], (*weights)[1] < 0 ? -1 : (*weights)[1] * group};
  const auto explicit_shape = context.node.integers("output_shape");
  const auto extra = context.node.integers("output_padding").value_or(std::vector<std::int64_t>(rank, 0));
  if (extra.size() != rank || !plausible(extra)) return std::nullopt;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t extent = input[i + 2];
    std::int64_t size = -1;
    if (explicit_shape) {
      if (explicit_shape->size() < rank) return std::nullopt;
      size = (*explicit_shape)[explicit_shape->size() - rank + i];
    } else if (extent > 0) {
      const std::int64_t stride = geometry->strides[i];
      if (geometry->auto_pad.starts_with("SAME")) {
        size = extent * stride;
      } else {
        const std::int64_t reach = geometry->dilations[i] * (geometry->kernel[i] - 1) + 1;
        const std::int64_t pads =
            geometry->auto_pad == "VALID" ? 0 : geometry->pads[i] + geometry->pads[i + rank];
        size = stride * (extent - 1) + extra[i] + reach - pads;
      }
    }
    result.push_back(size < 0 ? -1 : size);
  }
  return result;
}

std::optional<Shape> pool_shape(const RuleContext& context) {
  const Shape* input = context.shape(0);
  const auto kernel = context.node.integers("kernel_shape");
  if (!input || !kernel || input->size() < 3) return std::nullopt;
  return slide(context.node, *input, *kernel, (*input)[1]);
}

std::optional<Shape> global_pool_shape(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input || input->size() < 2) return std::nullopt;
  Shape result = *input;
  std::fill(result.begin() + 2, result.end(), 1);
  return result;
}

}  // namespace qcal
