#include "engine/correct/window_ranges.h"

#include <algorithm>
#include <string>

#include "engine/graph/window_shapes.h"

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

// One spatial axis.
struct Axis {
  std::int64_t input = 0;
  std::int64_t output = 0;
  std::int64_t kernel = 0;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t pad_before = 0;
  std::int64_t reach() const { return dilation * (kernel - 1) + 1; }
};

CoordinateRange convolved(const Axis& axis, std::int64_t k) {
  const std::int64_t offset = k * axis.dilation - axis.pad_before;
  const Span positions = inside(axis.output, axis.stride, offset, axis.input);
  return {positions.begin * axis.stride + offset, axis.stride, positions.end - positions.begin};
}

CoordinateRange transposed(const Axis& axis, std::int64_t k) {
  const Span inputs = inside(axis.input, axis.stride, k * axis.dilation - axis.pad_before, axis.output);
  return {inputs.begin, 1, inputs.end - inputs.begin};
}

// The part of `total` padding that lies before the input.
std::int64_t leading(std::int64_t total, bool smaller_half_first) {
  const std::int64_t padding = std::max<std::int64_t>(total, 0);
  return smaller_half_first ? padding / 2 : padding - padding / 2;
}

}  // namespace

std::optional<WindowRanges> window_ranges(const Node& node, const Shape& input, const Shape& weights) {
  const bool is_transposed = node.is("ConvTranspose");
  if (input.size() != weights.size() || input.size() < 3) return std::nullopt;
  const RuleContext context{node, 0, {input, weights}, {}, {}, {}};
  const auto output = is_transposed ? conv_transpose_shape(context) : conv_shape(context);
  if (!output || std::ranges::any_of(*output, [](std::int64_t extent) { return extent < 0; }))
    return std::nullopt;
  const std::size_t rank = input.size() - 2;
  const auto attribute = [&](const char* name, std::size_t count, std::int64_t otherwise) {
    return node.integers(name).value_or(std::vector<std::int64_t>(count, otherwise));
  };
  const auto strides = attribute("strides", rank, 1);
  const auto dilations = attribute("dilations", rank, 1);
  const auto pads = attribute("pads", 2 * rank, 0);
  const auto extra = attribute("output_padding", rank, 0);
  const std::string auto_pad = node.text("auto_pad", "NOTSET");
  const bool explicit_shape = is_transposed && node.integers("output_shape");

  WindowRanges result;
  result.positions = 1;
  for (std::size_t i = 0; i < rank; ++i) {
    Axis axis{input[i + 2], (*output)[i + 2], weights[i + 2], strides[i], dilations[i], 0};
    if (explicit_shape || auto_pad.starts_with("SAME")) {
      const std::int64_t longer = is_transposed ? axis.input : axis.output;
      const std::int64_t shorter = is_transposed ? axis.output - extra[i] : axis.input;
      axis.pad_before =
          leading((longer - 1) * axis.stride + axis.reach() - shorter, auto_pad == "SAME_UPPER");
    } else if (auto_pad != "VALID") {
      axis.pad_before = pads[i];
    }
    std::vector<CoordinateRange>& ranges = result.axes.emplace_back();
    for (std::int64_t k = 0; k < axis.kernel; ++k)
      ranges.push_back(is_transposed ? transposed(axis, k) : convolved(axis, k));
    result.positions *= axis.output;
  }
  return result;
}

}  // namespace qcal
