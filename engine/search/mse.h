// Mean squared error: the scale whose quantization of the histogram's bin centers costs least.
#pragma once

#include "engine/search/clip_range.h"
#include "engine/search/preset.h"
#include "engine/search/search_settings.h"
#include "kernels/histogram.h"

namespace qcal {

ClipRange mse_range(const Histogram& histogram, const SearchSettings& settings, const Preset& preset);

// vai_q_pytorch's search: float32 bin centers as thresholds, every bin quantized in float32. Returns the
// threshold.
double vitis_mse_threshold(const Histogram& histogram, const SearchSettings& settings, const Preset& preset);

}  // namespace qcal
