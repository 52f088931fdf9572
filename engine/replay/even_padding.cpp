#include "engine/replay/even_padding.h"

#include <algorithm>
#include <array>

namespace qcal {
namespace {

constexpr std::size_t most_axes = 3;

// A plane's extents, the leading ones 1 where it has fewer.
using Extents = std::array<std::int64_t, most_axes>;

Extents extents(const std::vector<EvenAxis>& axes, std::int64_t EvenAxis::*member, std::int64_t otherwise) {
  Extents result;
  result.fill(otherwise);
  for (std::size_t i = 0; i < axes.size(); ++i) result[most_axes - axes.size() + i] = axes[i].*member;
  return result;
}

std::size_t volume(const Extents& extents) {
  return static_cast<std::size_t>(extents[0] * extents[1] * extents[2]);
}

// Value i of every axis comes from i + shift; what is not there is 0.
void move_planes(std::span<const float> from, const Extents& source, const Extents& shift,
                 std::span<float> to, const Extents& target) {
  std::ranges::fill(to, 0.0F);
  Extents begin{};
  Extents end{};
  for (std::size_t axis = 0; axis < most_axes; ++axis) {
    begin[axis] = std::max<std::int64_t>(0, -shift[axis]);
    end[axis] = std::min(target[axis], source[axis] - shift[axis]);
    if (begin[axis] >= end[axis]) return;
  }
  const std::size_t planes = to.size() / volume(target);
  for (std::size_t plane = 0; plane < planes; ++plane) {
    const auto source_plane = from.subspan(plane * volume(source), volume(source));
    const auto target_plane = to.subspan(plane * volume(target), volume(target));
    for (std::int64_t i = begin[0]; i < end[0]; ++i) {
      for (std::int64_t j = begin[1]; j < end[1]; ++j) {
        const std::int64_t row =
            ((i + shift[0]) * source[1] + j + shift[1]) * source[2] + begin[2] + shift[2];
        const auto values =
            source_plane.subspan(static_cast<std::size_t>(row), static_cast<std::size_t>(end[2] - begin[2]));
        std::ranges::copy(values, target_plane.begin() + (i * target[1] + j) * target[2] + begin[2]);
      }
    }
  }
}

}  // namespace

std::optional<EvenAxis> even_axis(const WindowAxis& axis, bool is_transposed) {
  const std::int64_t extent = is_transposed ? axis.output : axis.input;
  const std::int64_t windows = is_transposed ? axis.input : axis.output;
  const auto fits = [&](std::int64_t padded) {
    return padded >= axis.reach() && (padded - axis.reach()) / axis.stride + 1 == windows;
  };
  if (axis.pad_before >= 0 && fits(extent + 2 * axis.pad_before))
    return EvenAxis{extent, extent, 0, axis.pad_before};
  const std::int64_t covered = (windows - 1) * axis.stride + axis.reach();
  const std::int64_t fitted = is_transposed ? std::max(covered, axis.pad_before + extent) : covered;
  if (!fits(fitted)) return std::nullopt;
  return EvenAxis{extent, fitted, axis.pad_before, 0};
}

bool is_as_given(const std::vector<EvenAxis>& axes) {
  return std::ranges::all_of(
      axes, [](const EvenAxis& axis) { return axis.offset == 0 && axis.fitted == axis.extent; });
}

void fit(std::span<const float> callers, const std::vector<EvenAxis>& axes, std::span<float> fitted) {
  Extents shift = extents(axes, &EvenAxis::offset, 0);
  for (std::int64_t& value : shift) value = -value;
  move_planes(callers, extents(axes, &EvenAxis::extent, 1), shift, fitted,
              extents(axes, &EvenAxis::fitted, 1));
}

void cut_out(std::span<const float> fitted, const std::vector<EvenAxis>& axes, std::span<float> callers) {
  move_planes(fitted, extents(axes, &EvenAxis::fitted, 1), extents(axes, &EvenAxis::offset, 0), callers,
              extents(axes, &EvenAxis::extent, 1));
}

}  // namespace qcal
