// Axes, slices and shapes as operators describe them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal {

// An element of a tensor of sizes: absent where it is known only at run time (a batch size, for example).
using MaybeInteger = std::optional<std::int64_t>;

// The integers in input `index` of a node (axes, starts, ...), where they are known.
using IntegerInput = std::function<std::optional<std::vector<std::int64_t>>(std::size_t index)>;

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

// Extents, kernels, strides and pads above this are not real; below it products fit 64 bits.
inline constexpr std::int64_t largest_extent = std::int64_t{1} << 30;
bool plausible(const std::vector<std::int64_t>& values);

}  // namespace qcal
