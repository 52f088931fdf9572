// Entropy: the window whose quantized distribution diverges least from the clipped one (Kullback-Leibler).
//
// Migacz, "8-bit inference with TensorRT", GTC 2017, in the form that vai_q_pytorch gave it: the bin of 0
// takes its neighbour's count, empty bins stay empty, clipped counts go to the outermost kept bin.
#pragma once

#include "engine/search/clip_range.h"
#include "engine/search/preset.h"
#include "engine/search/search_settings.h"
#include "kernels/histogram.h"

namespace qcal {

ClipRange entropy_range(const Histogram& histogram, const SearchSettings& settings, const Preset& preset);

}  // namespace qcal
