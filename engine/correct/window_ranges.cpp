#include "engine/correct/window_ranges.h"

#include <algorithm>

#include "engine/correct/window_axes.h"

namespace qcal {
namespace {

std::int64_t floor_quotient(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// The n of [0, count) with 0 <= n * stride + offset < extent.
struct Span {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};
Span inside(std::int64_t count, std::int64_t stride, std::int64_t offset, std::int64_t extent) {
  const std::int64_t begin = std::max<std::int64_t>(0, -floor_quotient(offset, stride));
  const std::int64_t end = std::min(count, floor_quotient(extent - 1 - offset, stride) + 1);
  return {begin, std::max(begin, end)};
}

CoordinateRange convolved(const WindowAxis& axis, std::int64_t k) {
  const std::int64_t offset = k * axis.dilation - axis.pad_before;
  const Span positions = inside(axis.output, axis.stride, offset, axis.input);
  return {positions.begin * axis.stride + offset, axis.stride, positions.end - positions.begin};
}

CoordinateRange transposed(const WindowAxis& axis, std::int64_t k) {
  const Span inputs = inside(axis.input, axis.stride, k * axis.dilation - axis.pad_before, axis.output);
  return {inputs.begin, 1, inputs.end - inputs.begin};
}

}  // namespace

std::optional<WindowRanges> window_ranges(const Node& node, const Shape& input, const Shape& weights) {
  const auto axes = window_axes(node, input, weights);
  if (!axes) return std::nullopt;
  const bool is_transposed = node.is("ConvTranspose");
  WindowRanges result;
  result.positions = 1;
  for (const WindowAxis& axis : *axes) {
    std::vector<CoordinateRange>& ranges = result.axes.emplace_back();
    for (std::int64_t k = 0; k < axis.kernel; ++k)
      ranges.push_back(is_transposed ? transposed(axis, k) : convolved(axis, k));
    result.positions *= axis.output;
  }
  return result;
}

}  // namespace qcal
