// Cross-layer equalization: channels of consecutive layers are rescaled so that their weights have similar
// ranges.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal {

enum class EqualizationRule {
  // Until the scales settle, powers of two; the network computes the same. Clamps get a bound a channel.
  exact,
  // The same, but clamps other than Relu end a chain: for devices that have no bound a channel.
  without_bounds,
  // vai_q_pytorch's: once, pair by pair, float32. The network computes the same up to rounding.
  vitis,
};

// Smallest (of the channels that are not all zero) and largest of the channels' ranges, a channel's range
// being its largest magnitude.
struct ChannelSpread {
  float smallest = 0;
  float largest = 0;
};

struct EqualizedPair {
  std::string first;  // node names
  std::string second;
  std::int64_t channels = 0;
  ChannelSpread before;  // of the first layer's weights, over its output channels
  ChannelSpread after;
  ChannelSpread next_before;  // of the second layer's, over its input channels
  ChannelSpread next_after;
};

struct Equalization {
  Graph graph;
  std::vector<EqualizedPair> pairs;  // in graph order
  // Tensor -> what its values are divided by, one number along axis 1. Tensors that are not here keep theirs.
  std::map<std::string, std::vector<float>, std::less<>> divisors;
};

// Equalizes a normalised graph. Layers, tensors and parameters keep their names, except that a parameter
// which other nodes read too stays as it is for them and the rescaled one gets a name of its own.
Equalization equalize_layers(Graph graph, EqualizationRule rule);

}  // namespace qcal
