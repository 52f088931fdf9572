// The scales of cross-layer equalization: numbers in, numbers out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/transform/equalization_pairs.h"

namespace qcal {

// Scales of each pair, one a channel, by which the first layer's output is divided:
//
//   s = sqrt(r0 / r1),  r0[c] = max(max |W0[c]|, |b0[c]| / 2),  r1[c] = max |W1[., c]|
//
// over and over in double until none moves by more than 1%, or 100 times; then each is rounded to the nearest
// power of two. (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
// 2019, with the bias in the range, so that a dead channel's bias is not blown up.) 1 where a range is 0.
//
// Powers of two make equalization exact in floats: no weight, activation or output changes by a rounding, so
// that values recorded on the network as it was serve, rescaled, for the equalized one. Cost: some passes
// over the largest weights of all kernels.
std::vector<std::vector<float>> settled_scales(const Graph& graph,
                                               const std::vector<EqualizationPair>& pairs);

// What one pair of vai_q_pytorch's equalization looks at; all per channel, float32.
struct VitisPair {
  std::span<const float> weights;      // of the first layer, an output channel after the other
  std::span<const float> bias;         // of the first layer; empty: none
  std::span<const float> next_ranges;  // largest magnitude that the second layer has for each channel
};

// vai_q_pytorch's scales of one pair, to the bit.
std::vector<float> vitis_scales(const VitisPair& pair);

}  // namespace qcal
