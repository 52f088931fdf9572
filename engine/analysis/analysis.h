// Where the error of a quantized network sits, layer by layer, and what would lower it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/analysis/tensor_use.h"
#include "engine/export/integer_kernels.h"
#include "engine/pipeline.h"

namespace qcal {

class ProductLibrary;

// A setting that was tried instead of the one in force.
struct TriedSetting {
  std::string layer;  // whose entry in the configuration it belongs to; "" for a graph input
  Role role = Role::activation;
  std::string tensor;
  std::string change;     // "\"per_channel\": true"
  double decibels = 0.0;  // of the layer's output with it, weights and activations quantized
  double gain = 0.0;      // over the settings in force
};

// Signal to quantization noise at a layer's output, in dB; infinite where quantization changes nothing. No
// bias is corrected.
struct LayerError {
  std::string layer;
  std::string type;   // "Conv2d"
  std::string input;  // quantized tensors; "" where it stays in float
  std::string weights;
  std::int64_t samples = 0;
  double weights_only = 0.0;
  double activations_only = 0.0;
  double both = 0.0;               // weights and activations; the bias in float
  double bias_only = 0.0;          // infinite without one
  std::vector<TriedSetting> best;  // at most three, best first; of the worst layers
};

struct SkippedLayer {
  std::string layer;
  std::string reason;
};

struct Analysis {
  std::string library;             // what computed the layers
  std::vector<LayerError> layers;  // worst first
  std::vector<SkippedLayer> skipped;
  std::vector<TensorUse> tensors;   // in graph order
  std::vector<NodeKernel> kernels;  // of the quantized network, in graph order
  std::vector<std::string> warnings;
  std::size_t batches = 0;           // looked at, of each tensor
  std::size_t recorded_batches = 0;  // the most that a tensor has
};

struct AnalysisRequest {
  std::filesystem::path model;
  std::filesystem::path dumps;
  std::filesystem::path params;
  std::size_t most_batches = 8;  // of a tensor, evenly spread; 0: all
  std::size_t explained = 3;     // layers, worst first, whose settings are varied
  std::shared_ptr<const Backend> backend;
  // What computes the layers. Null: the one for the back end.
  std::shared_ptr<const ProductLibrary> library;
  std::function<void(const Progress&)> on_progress;  // may be empty
};

// calib_run analyze. Memory: see replay(); nothing depends on the number of batches or layers. Throws
// InputError where model, dumps and parameters do not belong together or are broken, and Error without a
// library that computes layers.
Analysis analyze(const AnalysisRequest& request, const Configuration& configuration);

}  // namespace qcal
