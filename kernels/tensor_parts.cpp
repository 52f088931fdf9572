#include "kernels/tensor_parts.h"

#include <algorithm>

namespace qcal {

void WholeTensor::for_each(const std::function<void(const TensorPart&)>& visit) const {
  visit({view_, std::vector<std::int64_t>(view_.shape.size(), 0)});
}

std::optional<TensorView> whole_on_device(const TensorParts& batch) {
  std::optional<TensorView> on_device;
  if (!batch.whole()) return on_device;
  batch.for_each([&](const TensorPart& part) {
    if (part.view.memory == Memory::device) on_device = part.view;
  });
  return on_device;
}

std::vector<TensorBox> contiguous_boxes(const std::vector<std::int64_t>& shape, std::int64_t most_elements) {
  const std::size_t rank = shape.size();
  TensorBox box{std::vector<std::int64_t>(rank, 0), shape};
  if (std::ranges::find(shape, 0) != shape.end()) return {box};
  // The axis that is cut: everything behind it fits as a whole.
  std::size_t axis = rank;
  std::int64_t inner = 1;
  while (axis > 0 && inner <= most_elements / shape[axis - 1]) inner *= shape[--axis];
  if (axis == 0) return {box};
  --axis;
  const std::int64_t rows = std::max<std::int64_t>(most_elements / inner, 1);
  std::fill(box.shape.begin(), box.shape.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  std::vector<TensorBox> boxes;
  while (true) {
    for (std::int64_t row = 0; row < shape[axis]; row += rows) {
      box.origin[axis] = row;
      box.shape[axis] = std::min(rows, shape[axis] - row);
      boxes.push_back(box);
    }
    std::size_t d = axis;  // the next index of the axes before, as an odometer counts
    while (d > 0 && ++box.origin[d - 1] == shape[d - 1]) box.origin[--d] = 0;
    if (d == 0) return boxes;
  }
}

TensorView box_of(const TensorView& view, const TensorBox& box) {
  TensorView part = view;
  part.shape = box.shape;
  if (part.strides.empty()) {
    part.strides.resize(view.shape.size());
    std::int64_t step = 1;
    for (std::size_t d = view.shape.size(); d-- > 0;) {
      part.strides[d] = step;
      step *= view.shape[d];
    }
  }
  std::int64_t offset = 0;
  for (std::size_t d = 0; d < box.origin.size(); ++d) offset += box.origin[d] * part.strides[d];
  part.data =
      static_cast<const std::byte*>(view.data) + offset * static_cast<std::int64_t>(size_of(view.dtype));
  return part;
}

}  // namespace qcal
