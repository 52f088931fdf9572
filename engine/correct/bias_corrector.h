// Bias correction: takes back the mean error that quantized weights make in each output channel.
//
// The expected error of channel c is the sum over the weights of (quantized - float weight) * mean input that
// the weight meets. That mean over output positions and samples is exact with padding, strides, dilations and
// groups once it is taken for each offset of the window, so no convolution is run. "Local": the inputs are
// those that were recorded on the float network.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "engine/correct/bias_correction.h"
#include "engine/export/quantization_parameters.h"
#include "engine/graph/graph.h"
#include "engine/graph/weighted_operator.h"
#include "engine/plan/quantization_plan.h"
#include "kernels/backend.h"
#include "kernels/patch_sums.h"
#include "kernels/tensor_parts.h"

namespace qcal {

// What one layer has seen of the tensor that it reads.
struct LayerInputs {
  std::string refused;  // why it cannot be corrected, by the shape of a batch; else empty
  PatchSplit sums;
};

class BiasCorrector {
 public:
  // Both must outlive this object; `graph` is the one that was planned. `backend` adds up the inputs.
  BiasCorrector(const Graph& graph, const QuantizationPlan& plan, const Backend& backend);

  // A batch of a recorded tensor, read once more where a layer with weights reads the tensor. Batches of one
  // tensor come in order; different tensors may come at once. NaN and infinities count as 0.
  void observe(const std::string& tensor, const TensorParts& batch);

  // Whether a layer that can be corrected reads the tensor.
  bool reads(const std::string& tensor) const { return sources_.contains(tensor); }
  // What was observed of a tensor that is read, for each of the layers that read it.
  std::vector<LayerInputs> inputs(const std::string& tensor) const;
  // Goes on from what another object for the same network observed of the tensor, of which this one has
  // observed nothing. Throws InvalidArgument where that cannot be, or does not fit the layers.
  void resume(const std::string& tensor, const std::vector<LayerInputs>& inputs);

  // One entry for each layer with quantized weights, in graph order. Kept where it lowers the error on the
  // samples held back (every fourth): the mean squared error of the output falls by exactly what the squared
  // mean error falls.
  std::vector<BiasCorrection> corrections(const QuantizationParameters& parameters,
                                          Compatibility compatibility) const;

  // One by one, for SequentialBias. Layers are numbered in graph order.
  std::size_t layers() const { return layers_.size(); }
  // The recorded tensor that a layer reads; "" where it cannot be corrected.
  std::string source(std::size_t layer) const;
  // Of one layer. With `quantized`, which was made for the same network and observed the layer's quantized
  // inputs, the error of these is part of what is taken back. Throws InvalidArgument where it did not observe
  // as much.
  BiasCorrection correction(std::size_t layer, const QuantizationParameters& parameters,
                            Compatibility compatibility, const BiasCorrector* quantized = nullptr) const;

 private:
  // A layer with quantized weights.
  struct Layer {
    const Node* node = nullptr;
    const PlannedTensor* weights = nullptr;
    WeightedOperator shape;
    std::string refused;  // why it cannot be corrected; else empty
    std::string source;   // the recorded tensor that it reads
    std::size_t reader;   // which of its readers it is
  };
  // What reads a recorded tensor.
  struct Source {
    std::vector<std::size_t> layers;
    std::unique_ptr<PatchSums> sums;
  };

  std::optional<PatchWindow> window(const Layer& layer, const Shape& batch) const;
  PatchSplit patches(const Layer& layer) const;
  // From the patches of the recorded inputs and of those that the quantized network has.
  BiasCorrection correction(const Layer& layer, const PatchSplit& recorded, const PatchSplit& inputs,
                            const QuantizationParameters& parameters, Compatibility compatibility) const;

  const Graph& graph_;
  std::vector<Layer> layers_;
  std::map<std::string, Source> sources_;  // by recorded tensor
};

}  // namespace qcal
