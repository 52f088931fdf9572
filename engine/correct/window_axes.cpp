#include "engine/correct/window_axes.h"

#include <algorithm>
#include <string>

#include "engine/graph/window_shapes.h"

namespace qcal {
namespace {

// The part of `total` padding that lies before the input.
std::int64_t leading(std::int64_t total, bool smaller_half_first) {
  const std::int64_t padding = std::max<std::int64_t>(total, 0);
  return smaller_half_first ? padding / 2 : padding - padding / 2;
}

}  // namespace

std::optional<std::vector<WindowAxis>> window_axes(const Node& node, const Shape& input,
                                                   const Shape& weights) {
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

  std::vector<WindowAxis> axes;
  for (std::size_t i = 0; i < rank; ++i) {
    WindowAxis axis{input[i + 2], (*output)[i + 2], weights[i + 2], strides[i], dilations[i], 0};
    if (explicit_shape || auto_pad.starts_with("SAME")) {
      const std::int64_t longer = is_transposed ? axis.input : axis.output;
      const std::int64_t shorter = is_transposed ? axis.output - extra[i] : axis.input;
      axis.pad_before =
          leading((longer - 1) * axis.stride + axis.reach() - shorter, auto_pad == "SAME_UPPER");
    } else if (auto_pad != "VALID") {
      axis.pad_before = pads[i];
    }
    axes.push_back(axis);
  }
  return axes;
}

}  // namespace qcal
