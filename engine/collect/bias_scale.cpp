#include "engine/collect/bias_scale.h"

namespace qcal {

bool has_product_scale(const TensorParameters& input, const TensorParameters& weights) {
  return input.scale.size() == 1 && !weights.scale.empty();
}

void set_product_scale(TensorParameters& bias, const TensorParameters& input,
                       const TensorParameters& weights) {
  const auto input_scale = static_cast<float>(input.scale.front());
  bias.scale.clear();
  bias.amax.clear();
  for (const double weights_scale : weights.scale) {
    const float scale = input_scale * static_cast<float>(weights_scale);
    bias.scale.push_back(scale);
    bias.amax.push_back(static_cast<double>(scale) * static_cast<double>(bias.qmax));
  }
  bias.zero_point.assign(bias.scale.size(), 0);
  bias.granularity = weights.granularity;
  if (weights.granularity == Granularity::per_channel) bias.axis = 0;
  bias.per_batch = {};
}

}  // namespace qcal
