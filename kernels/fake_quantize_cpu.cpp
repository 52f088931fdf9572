#include "kernels/fake_quantize.h"

namespace qcal {

void fake_quantize(std::span<const float> values, const ElementQuantizer& quantizer, std::span<float> out) {
  with_quantizer_kind(quantizer, [&](auto rounding, auto arithmetic) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      out[i] = fake_quantize<rounding.value, arithmetic.value>(values[i], quantizer);
    }
  });
}

}  // namespace qcal
