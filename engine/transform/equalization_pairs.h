// Layers whose channels can be rescaled against each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal {

// Dividing channel c of the first layer's output by a number, and multiplying what the second layer makes of
// it by the same, leaves the network as it was: between them stand only operators f with f(x / s) = f(x) / s.
struct EqualizationPair {
  std::size_t first = 0;  // nodes of the graph
  std::size_t second = 0;
  std::int64_t channels = 0;
  std::int64_t elements_per_channel = 1;  // inputs of the second layer that one channel becomes by flattening
  std::vector<std::string> tensors;       // the first layer's output up to the second's input
  std::vector<std::int64_t> tensor_elements;  // of each tensor: 1, behind the flattening elements_per_channel
  std::vector<std::size_t> clamps;            // nodes between them whose bounds have to be rescaled
};

enum class PairRules {
  // Conv, ConvTranspose and Gemm; Relu, LeakyRelu, clamps (see clamp.h), pools, and flattening between them.
  exact,
  // The same without clamps other than Relu.
  without_bounds,
  // Conv to Conv, Relu and pools between them, as vai_q_pytorch.
  vitis,
};

// Pairs of a normalised graph, in graph order. A tensor that another node reads, or that is a graph output,
// ends the search.
std::vector<EqualizationPair> equalization_pairs(const Graph& graph, PairRules rules);

}  // namespace qcal
