#include "engine/graph/layout_shapes.h"

#include <algorithm>

namespace qcal {
namespace {

std::int64_t product(Shape::const_iterator begin, Shape::const_iterator end) {
  const auto count = element_count(Shape(begin, end));
  return count ? static_cast<std::int64_t>(*count) : -1;
}

}  // namespace

std::optional<Shape> flatten_shape(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(input->size());
  const std::int64_t axis = context.node.integer("axis", 1);
  if (axis < -rank || axis > rank) return std::nullopt;
  const auto split = input->begin() + (axis < 0 ? axis + rank : axis);
  return Shape{product(input->begin(), split), product(split, input->end())};
}

std::optional<Shape> reshape_shape(const RuleContext& context) {
  const auto target = context.maybe_integers(1);
  if (!target) {
    // The rank may still be known from the length of the target.
    if (const Shape* length = context.shape(1); length && length->size() == 1 && length->front() >= 0) {
      if (length->front() <= 64) return Shape(static_cast<std::size_t>(length->front()), -1);
    }
    return std::nullopt;
  }
  const Shape* input = context.shape(0);
  // 0 would copy a dimension that is not known, -1 takes what is left: with an unknown input both stay open.
  if (!input) {
    Shape result;
    for (const MaybeInteger& extent : *target) result.push_back(extent && *extent > 0 ? *extent : -1);
    return result;
  }
  return reshaped(*input, *target, context.node.integer("allowzero", 0) != 0);
}

std::optional<Shape> transpose_shape(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const auto order = context.node.integers("perm");
  if (!order) return Shape(input->rbegin(), input->rend());
  if (order->size() != input->size()) return std::nullopt;
  Shape result;
  for (const std::int64_t from : *order) {
    if (from < 0 || from >= static_cast<std::int64_t>(input->size())) return std::nullopt;
    result.push_back((*input)[static_cast<std::size_t>(from)]);
  }
  return result;
}

std::optional<Shape> squeeze_shape(const RuleContext& context) {
  const auto axes = axes_argument(context.node, context.integers);
  return context.shape(0) && axes ? squeezed(*context.shape(0), *axes) : std::nullopt;
}

std::optional<Shape> unsqueeze_shape(const RuleContext& context) {
  const auto axes = axes_argument(context.node, context.integers);
  return context.shape(0) && axes ? unsqueezed(*context.shape(0), *axes) : std::nullopt;
}

std::optional<Shape> concat_shape(const RuleContext& context) {
  const Shape* first = context.shape(0);
  if (!first) return std::nullopt;
  const auto axis = normalised_axis(context.node.integer("axis", 0), first->size());
  if (!axis) return std::nullopt;
  Shape result = *first;
  for (std::size_t i = 1; i < context.shapes.size(); ++i) {
    const Shape* next = context.shape(i);
    if (!next || next->size() != result.size()) return std::nullopt;
    for (std::size_t d = 0; d < result.size(); ++d) {
      if (d == *axis) {
        const bool known = result[d] >= 0 && (*next)[d] >= 0;
        result[d] = known ? result[d] + (*next)[d] : -1;
      } else if (result[d] < 0) {
        result[d] = (*next)[d];
      }
    }
  }
  return result;
}

std::optional<Shape> slice_shape(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const auto arguments = slice_arguments(context.node, context.integers, context.opset);
  if (!arguments) return Shape(input->size(), -1);
  Shape result = *input;
  for (std::size_t i = 0; i < arguments->axes.size(); ++i) {
    const auto axis = normalised_axis(arguments->axes[i], result.size());
    if (!axis || arguments->steps[i] == 0) return std::nullopt;
    if (result[*axis] < 0) continue;
    result[*axis] =
        slice_range(result[*axis], arguments->starts[i], arguments->ends[i], arguments->steps[i]).count;
  }
  return result;
}

std::optional<Shape> gather_shape(const RuleContext& context) {
  const Shape* input = context.shape(0);
  const Shape* indices = context.shape(1);
  if (!input || !indices) return std::nullopt;
  const auto axis = normalised_axis(context.node.integer("axis", 0), input->size());
  if (!axis) return std::nullopt;
  Shape result(input->begin(), input->begin() + std::ptrdiff_t(*axis));
  result.insert(result.end(), indices->begin(), indices->end());
  result.insert(result.end(), input->begin() + std::ptrdiff_t(*axis) + 1, input->end());
  return result;
}

std::optional<Shape> expand_shape(const RuleContext& context) {
  const auto target = context.maybe_integers(1);
  if (!context.shape(0) || !target) return std::nullopt;
  Shape wanted;
  for (const MaybeInteger& extent : *target) wanted.push_back(extent && *extent >= 0 ? *extent : -1);
  return broadcast(*context.shape(0), wanted);
}

std::optional<Shape> tile_shape(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const auto repeats = context.integers(1);
  if (!repeats || repeats->size() != input->size() || !plausible(*repeats)) return Shape(input->size(), -1);
  Shape result;
  for (std::size_t i = 0; i < input->size(); ++i) {
    const bool known = (*input)[i] >= 0 && (*repeats)[i] >= 0;
    result.push_back(known ? (*input)[i] * (*repeats)[i] : -1);
  }
  return result;
}

std::optional<Shape> depth_to_space_shape(const RuleContext& context) {
  const Shape* input = context.shape(0);
  const std::int64_t block = context.node.integer("blocksize", 0);
  if (!input || input->size() != 4 || block < 1 || block > 4096) return std::nullopt;
  const auto known = [](std::int64_t extent, std::int64_t value) { return extent < 0 ? -1 : value; };
  const Shape& x = *input;
  if (context.node.is("DepthToSpace")) {
    return Shape{x[0], known(x[1], x[1] / (block * block)), known(x[2], x[2] * block),
                 known(x[3], x[3] * block)};
  }
  return Shape{x[0], known(x[1], x[1] * block * block), known(x[2], x[2] / block), known(x[3], x[3] / block)};
}

std::vector<std::optional<Shape>> split_shapes(const RuleContext& context) {
  std::vector<std::optional<Shape>> results(context.node.outputs.size());
  const Shape* input = context.shape(0);
  if (!input || results.empty()) return results;
  const auto axis = normalised_axis(context.node.integer("axis", 0), input->size());
  if (!axis) return results;
  auto sizes = context.node.integers("split");
  if (!sizes && !context.node.input(1).empty()) sizes = context.integers(1);
  const bool even = !sizes && context.node.input(1).empty() && (*input)[*axis] >= 0;
  const auto parts = static_cast<std::int64_t>(results.size());
  const std::int64_t part = even ? ((*input)[*axis] + parts - 1) / parts : -1;
  for (std::size_t i = 0; i < results.size(); ++i) {
    Shape shape = *input;
    shape[*axis] = part;
    if (even && i + 1 == results.size()) {
      shape[*axis] = std::max<std::int64_t>((*input)[*axis] - part * (parts - 1), 0);
    }
    if (sizes && i < sizes->size()) shape[*axis] = (*sizes)[i];
    results[i] = std::move(shape);
  }
  return results;
}

}  // namespace qcal
