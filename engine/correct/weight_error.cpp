#include "engine/correct/weight_error.h"

#include "engine/collect/tensor_spec.h"
#include "kernels/quantize_math.h"

namespace qcal {

std::vector<double> weight_error(const ParameterValues& weights, const TensorParameters& parameters,
                                 Compatibility compatibility) {
  const bool per_channel = parameters.granularity == Granularity::per_channel;
  std::vector<ElementQuantizer> quantizers;
  for (std::size_t i = 0; i < parameters.scale.size(); ++i) {
    const IntegerRange range{parameters.qmin, parameters.qmax};
    const Rounding rounding = rounding_of(parameters.round_mode);
    const double scale = parameters.scale[i];
    const std::int64_t zero_point = parameters.zero_point[i];
    quantizers.push_back(compatibility == Compatibility::vitis
                             ? vitis_element_quantizer(scale, zero_point, range, rounding, per_channel)
                             : element_quantizer(scale, zero_point, range, rounding));
  }
  // Elements that follow each other with one scale.
  std::size_t run = weights.values.size();
  if (per_channel) {
    run = 1;
    for (std::size_t i = static_cast<std::size_t>(*parameters.axis) + 1; i < weights.shape.size(); ++i)
      run *= static_cast<std::size_t>(weights.shape[i]);
  }
  std::vector<double> errors(weights.values.size());
  with_quantizer_kind(quantizers.front(), [&](auto rounding, auto arithmetic) {
    for (std::size_t i = 0; i < errors.size(); ++i) {
      const ElementQuantizer& quantizer = quantizers[i / run % quantizers.size()];
      const float x = weights.values[i];
      const float y = fake_quantize<rounding.value, arithmetic.value>(x, quantizer);
      errors[i] = static_cast<double>(y) - static_cast<double>(x);
    }
  });
  return errors;
}

}  // namespace qcal
