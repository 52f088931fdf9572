#include "engine/graph/shape_arithmetic.h"

#include <algorithm>
#include <numeric>

namespace qcal {

std::optional<std::size_t> normalised_axis(std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

std::optional<std::uint64_t> element_count(const Shape& shape) {
  constexpr std::uint64_t limit = std::uint64_t{1} << 40;
  std::uint64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent != 0 && count > limit / static_cast<std::uint64_t>(extent)) return std::nullopt;
    count *= static_cast<std::uint64_t>(extent);
  }
  return count;
}

SliceRange slice_range(std::int64_t extent, std::int64_t start, std::int64_t end, std::int64_t step) {
  const bool forward = step > 0;
  const auto clamped = [&](std::int64_t position) {
    if (position < 0) position += extent;
    return forward ? std::clamp<std::int64_t>(position, 0, extent)
                   : std::clamp<std::int64_t>(position, -1, extent - 1);
  };
  start = clamped(start);
  end = clamped(end);
  if (!forward && start < 0) return {0, 0};
  const std::int64_t distance = forward ? end - start : start - end;
  if (distance <= 0) return {std::min(start, std::max<std::int64_t>(extent - 1, 0)), 0};
  // A step beyond the distance selects one element; the comparison keeps -INT64_MIN out of the division.
  if (step > distance || step < -distance) return {start, 1};
  const std::int64_t stride = forward ? step : -step;
  return {start, (distance + stride - 1) / stride};
}

std::optional<SliceArguments> slice_arguments(const Node& node, const IntegerInput& integers,
                                              std::int64_t opset) {
  SliceArguments arguments;
  std::optional<std::vector<std::int64_t>> starts, ends, axes, steps;
  if (opset < 10) {
    starts = node.integers("starts");
    ends = node.integers("ends");
    axes = node.integers("axes");
  } else {
    starts = integers(1);
    ends = integers(2);
    axes = integers(3);
    steps = integers(4);
    if (!node.input(3).empty() && !axes) return std::nullopt;
    if (!node.input(4).empty() && !steps) return std::nullopt;
  }
  if (!starts || !ends) return std::nullopt;
  if (!axes) {
    axes.emplace(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (!steps) steps.emplace(starts->size(), 1);
  const std::size_t count = starts->size();
  if (ends->size() != count || axes->size() != count || steps->size() != count) return std::nullopt;
  return SliceArguments{*starts, *ends, *axes, *steps};
}

std::optional<std::vector<std::int64_t>> axes_argument(const Node& node, const IntegerInput& integers) {
  if (auto axes = node.integers("axes")) return axes;
  if (node.input(1).empty()) return std::vector<std::int64_t>{};
  return integers(1);
}

std::optional<Shape> unsqueezed(const Shape& shape, const std::vector<std::int64_t>& axes) {
  const std::size_t rank = shape.size() + axes.size();
  std::vector<bool> added(rank, false);
  for (const std::int64_t value : axes) {
    const auto axis = normalised_axis(value, rank);
    if (!axis || added[*axis]) return std::nullopt;
    added[*axis] = true;
  }
  Shape result;
  auto next = shape.begin();
  for (std::size_t i = 0; i < rank; ++i) result.push_back(added[i] ? 1 : *next++);
  return result;
}

std::optional<Shape> squeezed(const Shape& shape, const std::vector<std::int64_t>& axes) {
  std::vector<bool> removed(shape.size(), false);
  for (const std::int64_t value : axes) {
    const auto axis = normalised_axis(value, shape.size());
    if (!axis || shape[*axis] > 1 || shape[*axis] == 0) return std::nullopt;
    removed[*axis] = true;
  }
  Shape result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (axes.empty()) {
      if (shape[i] < 0) return std::nullopt;  // whether it goes is known at run time only
      if (shape[i] != 1) result.push_back(shape[i]);
    } else if (!removed[i]) {
      result.push_back(shape[i]);
    }
  }
  return result;
}

std::optional<Shape> reshaped(const Shape& shape, const std::vector<MaybeInteger>& target, bool allow_zero) {
  Shape result(target.size(), -1);
  std::vector<bool> copied(shape.size(), false);
  std::optional<std::size_t> rest;
  bool others_known = true;
  std::uint64_t product = 1;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const MaybeInteger wanted = target[i];
    if (wanted == MaybeInteger(-1)) {
      if (rest) return std::nullopt;
      rest = i;
    } else if (wanted == MaybeInteger(0) && !allow_zero) {
      if (i >= shape.size()) return std::nullopt;
      result[i] = shape[i];
      copied[i] = true;
    } else if (!wanted) {
      others_known = false;
    } else if (*wanted < 0) {
      return std::nullopt;
    } else {
      result[i] = *wanted;
      const auto next = element_count({static_cast<std::int64_t>(product), *wanted});
      if (!next) return std::nullopt;
      product = *next;
    }
  }
  if (!rest || !others_known || product == 0) return result;
  // Copied dimensions stand on both sides, so they need not be known.
  Shape left;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!copied[i]) left.push_back(shape[i]);
  }
  if (const auto available = element_count(left)) {
    if (*available % product != 0) return std::nullopt;
    result[*rest] = static_cast<std::int64_t>(*available / product);
  }
  return result;
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x > 1 && y > 1) return std::nullopt;
    if (x != y && (x == 0 || y == 0) && x != 1 && y != 1 && x >= 0 && y >= 0) return std::nullopt;
    std::int64_t extent = x;
    if (x == 1 || (x < 0 && y != 1)) extent = y;
    result[result.size() - 1 - i] = extent;
  }
  return result;
}

bool plausible(const std::vector<std::int64_t>& values) {
  return std::ranges::all_of(values,
                             [](std::int64_t x) { return x > -largest_extent && x < largest_extent; });
}

}  // namespace qcal
