#include "engine/graph/weight_kernels.h"

#include <algorithm>

namespace qcal {

WeightKernels::WeightKernels(const WeightedOperator& layer) : rows_are_outputs_(layer.channel_axis == 0) {
  const auto column_axis = static_cast<std::size_t>(std::max(1, layer.channel_axis));
  for (std::size_t axis = 0; axis < layer.weights_shape.size(); ++axis) {
    std::size_t& extent = axis < column_axis ? rows_ : axis == column_axis ? columns_ : size_;
    extent *= static_cast<std::size_t>(layer.weights_shape[axis]);
  }
  rows_of_group_ = rows_ / static_cast<std::size_t>(layer.group);
}

WeightKernels WeightKernels::of_single_weights() const {
  WeightKernels single = *this;
  single.size_ = 1;
  return single;
}

}  // namespace qcal
