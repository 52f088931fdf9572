// The scale of a 32-bit bias: it is added to products of input and weights, so it takes the product of their
// scales.
#pragma once

#include "engine/export/quantization_parameters.h"

namespace qcal {

// True where both factors have the scales that a product needs: integers, and an input scale for the whole
// tensor.
bool has_product_scale(const TensorParameters& input, const TensorParameters& weights);

// Fills in `bias`' scale, zero point and amax: scale[c] = scale of input * scale of weights[c] as float32
// numbers, the product rounded to float32, as runtimes compute it.
void set_product_scale(TensorParameters& bias, const TensorParameters& input,
                       const TensorParameters& weights);

}  // namespace qcal
