// vai_q_pytorch's histogram of magnitudes: float32 edges and counters, and growth that depends on batch
// order.
#pragma once

#include <functional>

#include "kernels/histogram.h"

namespace qcal {

// Counts |x| of one batch into the bins of a grid; how the data are reached is the caller's business.
using CountMagnitudes = std::function<void(const LinearBins&, std::uint64_t*)>;

// The histogram after one more batch.
// First batch: 2048 bins on [0, amax] with torch.linspace's edges. Later ones: more bins of the first width
// where the maximum grew (torch.arange's edges for blocks of 8, the AVX2 width), counts added from the front.
// Counters stop at 2^24, as float32 ones do. Where all batches so far were zero, which the peer cannot
// continue from, bins start anew with the first batch that has values. Throws InvalidArgument where growth
// passes 2^20 bins.
Histogram vitis_accumulate(const Histogram& before, const ValueRange& batch, const CountMagnitudes& count);

}  // namespace qcal
