// What quantization does to weights.
#pragma once

#include <vector>

#include "config/settings.h"
#include "engine/export/quantization_parameters.h"
#include "engine/graph/graph.h"

namespace qcal {

// Quantized minus float value of each element. `parameters` are those of these weights, with scales.
std::vector<double> weight_error(const Constant& weights, const TensorParameters& parameters,
                                 Compatibility compatibility);

}  // namespace qcal
