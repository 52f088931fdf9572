#include "kernels/channel_layout.h"

#include <string>

#include "kernels/error.h"

namespace qcal {
namespace {

std::vector<std::int64_t> strides_of(const TensorView& view) {
  if (!view.strides.empty()) return view.strides;
  std::vector<std::int64_t> strides(view.shape.size());
  std::int64_t step = 1;
  for (std::size_t d = strides.size(); d-- > 0;) {
    strides[d] = step;
    step *= view.shape[d];
  }
  return strides;
}

}  // namespace

int checked_channel_axis(int axis, int rank) {
  const int counted = axis < 0 ? axis + rank : axis;
  if (counted >= 0 && counted < rank) return counted;
  throw InvalidArgument("channel axis " + std::to_string(axis) + " does not exist in a tensor of rank " +
                        std::to_string(rank));
}

ChannelLayout channel_layout(const TensorView& view, std::optional<int> channel_axis) {
  const int rank = static_cast<int>(view.shape.size());
  if (!view.strides.empty() && view.strides.size() != view.shape.size()) {
    throw InvalidArgument("a tensor of rank " + std::to_string(rank) + " has " +
                          std::to_string(view.strides.size()) + " strides");
  }
  for (const std::int64_t extent : view.shape) {
    if (extent < 0) throw InvalidArgument("a dimension of " + std::to_string(extent) + " elements");
  }
  if (view.size() > 0 && view.data == nullptr) throw InvalidArgument("a tensor with elements has no data");
  std::optional<int> axis = channel_axis;
  if (axis) axis = checked_channel_axis(*axis, rank);
  const std::vector<std::int64_t> strides = strides_of(view);
  ChannelLayout layout;
  for (int d = 0; d < rank; ++d) {
    const auto at = static_cast<std::size_t>(d);
    const ChannelLayout::Dimension dimension{view.shape[at], strides[at]};
    if (axis == d) {
      layout.channels = dimension.extent;
      layout.channel_stride = dimension.stride;
      continue;
    }
    layout.elements *= dimension.extent;
    if (dimension.extent == 1) continue;
    if (!layout.dimensions.empty() &&
        layout.dimensions.back().stride == dimension.extent * dimension.stride) {
      layout.dimensions.back() = {layout.dimensions.back().extent * dimension.extent, dimension.stride};
    } else {
      layout.dimensions.push_back(dimension);
    }
  }
  if (layout.dimensions.empty()) layout.dimensions.push_back({1, 1});
  return layout;
}

}  // namespace qcal
