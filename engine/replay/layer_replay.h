// Runs layers on recorded inputs, in float and quantized, and measures the difference.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "engine/replay/layer_product.h"
#include "engine/replay/replayed_layers.h"

namespace qcal {

// Parameters to quantize a layer with; null: in float.
struct ReplayVariant {
  const TensorParameters* input = nullptr;
  const TensorParameters* weights = nullptr;
  const TensorParameters* bias = nullptr;
};

// Sums of squares over a layer's outputs.
struct OutputError {
  double signal = 0.0;  // of the float outputs
  double noise = 0.0;   // of what quantization changes

  // 10 log10(signal / noise). Infinite where nothing changes, -infinite where only noise is left.
  double decibels() const;
};

struct Replay {
  std::vector<OutputError> errors;  // one a variant
  std::int64_t samples = 0;
  std::string refused;  // why it could not be run; "" where it could
};

// What the batches of a recording are taken from, and by what they are computed.
struct ReplayContext {
  const Graph& graph;
  const DumpSource& dumps;
  const ProductLibrary& library;
  Compatibility compatibility = Compatibility::standard;
  std::size_t most_batches = 0;  // at most so many of a tensor, evenly spread; 0: all
};

// Indices of at most `most` of `count` batches, evenly spread, the first among them; all where `most` is 0.
std::vector<std::size_t> spread_batches(std::size_t count, std::size_t most);

// The outputs of `layer`, a ReplayedLayer without a refusal, under each variant against those in float, over
// the batches of its source. The bias is not corrected. Memory: some samples (32 MiB of input,
// or one sample where that is larger) and their outputs, and the weights, twice each. Cost: one product, and
// one for each variant that is not of the bias alone.
Replay replay(const ReplayContext& context, const ReplayedLayer& layer,
              std::span<const ReplayVariant> variants);

}  // namespace qcal
