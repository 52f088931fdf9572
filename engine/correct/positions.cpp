#include "engine/correct/positions.h"

#include <algorithm>
#include <utility>

#include "kernels/scale_math.h"

namespace qcal {

Positions::Positions(QuantizationParameters parameters) : parameters_(std::move(parameters)) {
  for (std::size_t i = 0; i < parameters_.tensors.size(); ++i) {
    const TensorParameters& tensor = parameters_.tensors[i];
    if (tensor.fix_pos && tensor.fix_pos->size() == 1 && tensor.symmetric) indices_.emplace(tensor.name, i);
  }
}

std::optional<int> Positions::of(const std::string& tensor) const {
  const auto found = indices_.find(tensor);
  if (found == indices_.end()) return std::nullopt;
  return parameters_.tensors[found->second].fix_pos->front();
}

void Positions::set(const std::string& tensor, int position, const std::string& rule,
                    const std::string& layer) {
  TensorParameters& parameters = parameters_.tensors[indices_.at(tensor)];
  const int before = parameters.fix_pos->front();
  const int after = std::clamp(position, -126, 126);
  if (after == before) return;
  const double scale = exact_power_of_two(-after);
  parameters.fix_pos = {after};
  parameters.scale = {scale};
  parameters.amax = {scale * static_cast<double>(parameters.qmax)};
  adjustments_.push_back({tensor, parameters.role, layer, rule, before, after});
}

}  // namespace qcal
