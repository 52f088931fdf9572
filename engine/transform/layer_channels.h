// Output and input channel of every weight of a layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/weighted_operator.h"

namespace qcal {

// A Conv (depthwise and grouped too), ConvTranspose or Gemm with constant float32 weights whose channels are
// axis 1 of its data.
struct LayerChannels {
  WeightedOperator layer;
  std::int64_t inputs = 0;  // input channels, over all groups

  std::int64_t output_of(std::size_t weight) const { return layer.channel_of(weight); }
  std::int64_t input_of(std::size_t weight) const;

  std::int64_t groups = 1;
  bool rows_are_inputs = false;  // the weights' first axis counts input channels
};

// Absent where `node` is no such layer.
std::optional<LayerChannels> layer_channels(const Graph& graph, const Node& node);

// The bias, one value an output channel; empty where there is none, absent where it is no such vector.
std::optional<std::vector<float>> bias_per_channel(const Graph& graph, const WeightedOperator& layer);

}  // namespace qcal
