#include "engine/correct/patch_window.h"

#include <algorithm>
#include <utility>

#include "engine/correct/window_ranges.h"

namespace qcal {

std::optional<PatchWindow> conv_window(const Node& node, const Shape& batch, const Shape& weights,
                                       std::int64_t channels) {
  if (batch.size() < 3 || batch.size() != weights.size() || batch[1] != channels) return std::nullopt;
  auto ranges = window_ranges(node, batch, weights);
  if (!ranges || std::ranges::any_of(ranges->axes, [](const auto& axis) { return axis.empty(); }))
    return std::nullopt;
  PatchWindow window{batch[0], channels, 1, batch.back(), ranges->positions, {{{0, 1, 1}}}, {}};
  window.inner = std::move(ranges->axes.back());
  // Axis by axis, each row becomes as many as the axis has places.
  for (std::size_t axis = 2; axis + 1 < batch.size(); ++axis) {
    std::vector<std::vector<CoordinateRange>> finer;
    for (const std::vector<CoordinateRange>& met : window.outer) {
      for (const CoordinateRange& offset : ranges->axes[axis - 2]) {
        std::vector<CoordinateRange>& rows = finer.emplace_back();
        for (const CoordinateRange& before : met) {
          for (std::int64_t i = 0; i < before.count && offset.count > 0; ++i) {
            const std::int64_t row = before.first + i * before.step;
            rows.push_back({row * batch[axis] + offset.first, offset.step, offset.count});
          }
        }
      }
    }
    window.outer = std::move(finer);
    window.rows *= batch[axis];
  }
  return window;
}

std::optional<PatchWindow> row_window(const Shape& batch, std::int64_t features) {
  std::int64_t values = 1;
  for (std::size_t i = 1; i < batch.size(); ++i) values *= batch[i];
  const bool is_vector = batch.size() == 1;
  if (is_vector) values = batch[0];
  if (batch.empty() || features < 1 || values % features != 0) return std::nullopt;
  const std::int64_t rows = values / features;
  return PatchWindow{is_vector ? 1 : batch[0], 1, rows, features, rows, {{{0, 1, rows}}}, {}};
}

}  // namespace qcal
