#include "engine/collect/channel_quantizers.h"

#include "engine/collect/tensor_spec.h"

namespace qcal {

ChannelQuantizers channel_quantizers(const Shape& shape, const TensorParameters& parameters,
                                     Compatibility compatibility) {
  const bool per_channel = parameters.granularity == Granularity::per_channel;
  const IntegerRange range{parameters.qmin, parameters.qmax};
  const Rounding rounding = rounding_of(parameters.round_mode);
  ChannelQuantizers result;
  for (std::size_t i = 0; i < parameters.scale.size(); ++i) {
    const double scale = parameters.scale[i];
    const std::int64_t zero_point = parameters.zero_point[i];
    result.quantizers.push_back(compatibility == Compatibility::vitis
                                    ? vitis_element_quantizer(scale, zero_point, range, rounding, per_channel)
                                    : element_quantizer(scale, zero_point, range, rounding));
  }
  const std::size_t first = per_channel ? static_cast<std::size_t>(*parameters.axis) + 1 : 0;
  for (std::size_t i = first; i < shape.size(); ++i) result.run *= static_cast<std::size_t>(shape[i]);
  return result;
}

}  // namespace qcal
