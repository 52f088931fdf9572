#include "engine/correct/weight_error.h"

#include "engine/collect/channel_quantizers.h"

namespace qcal {

std::vector<double> weight_error(const Constant& weights, const TensorParameters& parameters,
                                 Compatibility compatibility) {
  const ChannelQuantizers channels = channel_quantizers(weights.shape, parameters, compatibility);
  const std::vector<float>& reals = *weights.reals();
  std::vector<double> errors(reals.size());
  with_quantizer_kind(channels.quantizers.front(), [&](auto rounding, auto arithmetic) {
    channels.for_each_run(errors.size(), [&](std::size_t begin, std::size_t end, std::size_t channel) {
      const ElementQuantizer quantizer = channels.quantizers[channel];
      for (std::size_t i = begin; i < end; ++i) {
        const float x = reals[i];
        const float y = fake_quantize<rounding.value, arithmetic.value>(x, quantizer);
        errors[i] = static_cast<double>(y) - static_cast<double>(x);
      }
    });
  });
  return errors;
}

}  // namespace qcal
