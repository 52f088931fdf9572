#include "engine/replay/product_shape.h"

#include <algorithm>

namespace qcal {
namespace {

std::size_t product(std::initializer_list<std::int64_t> factors, const std::vector<WindowAxis>& axes,
                    std::int64_t WindowAxis::*extent) {
  std::size_t result = 1;
  for (const std::int64_t factor : factors) result *= static_cast<std::size_t>(factor);
  for (const WindowAxis& axis : axes) result *= static_cast<std::size_t>(axis.*extent);
  return result;
}

std::optional<ProductShape> window_product(const Node& node, const WeightedOperator& layer,
                                           const Shape& input) {
  const bool is_transposed = node.is("ConvTranspose");
  const Shape& weights = layer.weights_shape;
  auto axes = window_axes(node, input, weights);
  if (!axes) return std::nullopt;
  ProductShape shape{.kind = is_transposed ? ProductShape::Kind::transposed : ProductShape::Kind::convolution,
                     .samples = input[0],
                     .inputs = input[1],
                     .outputs = layer.channels,
                     .groups = node.integer("group", 1),
                     .axes = std::move(*axes)};
  const std::int64_t met = is_transposed ? weights[0] : weights[1] * shape.groups;
  if (shape.groups < 1 || met != shape.inputs || shape.outputs % shape.groups != 0) return std::nullopt;
  return shape;
}

}  // namespace

std::size_t ProductShape::input_size() const {
  return product({samples, inputs}, axes, &WindowAxis::input);
}

std::size_t ProductShape::output_size() const {
  return product({samples, outputs}, axes, &WindowAxis::output);
}

std::size_t ProductShape::weights_size() const {
  return product({inputs / groups, outputs}, axes, &WindowAxis::kernel);
}

double ProductShape::multiply_adds() const {
  const bool is_transposed = kind == Kind::transposed;
  const std::size_t positions =
      product({samples}, axes, is_transposed ? &WindowAxis::input : &WindowAxis::output);
  return static_cast<double>(positions) * static_cast<double>(weights_size());
}

std::optional<ProductShape> product_shape(const Node& node, const WeightedOperator& layer,
                                          const Shape& input) {
  if (std::ranges::any_of(input, [](std::int64_t extent) { return extent < 0; })) return std::nullopt;
  if (node.is("Conv") || node.is("ConvTranspose")) return window_product(node, layer, input);
  if (layer.weights_shape.size() != 2 || input.empty() || node.integer("transA", 0) != 0) return std::nullopt;
  ProductShape shape{.outputs = layer.channels, .outputs_first = layer.channel_axis == 0};
  shape.inputs = layer.weights_shape[shape.outputs_first ? 1 : 0];
  std::int64_t values = 1;
  for (const std::int64_t extent : input) values *= extent;
  const std::int64_t sample = input.size() == 1 || input[0] == 0 ? values : values / input[0];
  if (shape.inputs < 1 || sample % shape.inputs != 0) return std::nullopt;
  shape.samples = values / shape.inputs;
  return shape;
}

}  // namespace qcal
