// Naive versions of what kernels compute, so that no wrong answer is timed.
#pragma once

#include <string>

#include "kernels/collector.h"

namespace qcal::bench {

// What differs between `summary`, a collector's of the one batch `view`, and naive code in double; empty
// where nothing does. Counts and ranges must be equal. Moments and squared errors, whose order of additions
// is fixed but not naive, may differ by the rounding of 32 float32 additions. `view` must be in C order.
std::string difference_from_naive(const TensorView& view, const CollectSpec& spec, const Summary& summary);

}  // namespace qcal::bench
