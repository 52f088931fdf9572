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
#include <string>
#include <vector>

#include "config/settings.h"
#include "engine/correct/bias_correction.h"
#include "engine/correct/patch_sums.h"
#include "engine/export/quantization_parameters.h"
#include "engine/graph/graph.h"
#include "engine/graph/weighted_operator.h"
#include "engine/plan/quantization_plan.h"
#include "kernels/tensor_parts.h"

namespace qcal {

class BiasCorrector {
 public:
  // Both must outlive this object; `graph` is the one that was planned.
  BiasCorrector(const Graph& graph, const QuantizationPlan& plan);

  // A batch of a recorded tensor, in host memory. Batches of one tensor come in order; different tensors may
  // come at once. Reads the batch once more where a layer with weights reads the tensor. NaN and infinities
  // count as 0.
  void observe(const std::string& tensor, const TensorParts& batch);

  // One entry for each layer with quantized weights, in graph order. Kept where it lowers the error on the
  // samples held back (every fourth): the mean squared error of the output falls by exactly what the squared
  // mean error falls.
  std::vector<BiasCorrection> corrections(const QuantizationParameters& parameters,
                                          Compatibility compatibility) const;

 private:
  // A layer with quantized weights.
  struct Layer {
    const Node* node = nullptr;
    const PlannedTensor* weights = nullptr;
    WeightedOperator shape;
    std::string refused;              // why it cannot be corrected; else empty
    std::unique_ptr<PatchSums> sums;  // absent where it is refused
  };

  BiasCorrection correction(const Layer& layer, const TensorParameters& weights,
                            Compatibility compatibility) const;

  const Graph& graph_;
  std::vector<Layer> layers_;
  std::map<std::string, std::vector<std::size_t>> readers_;  // recorded tensor -> layers
};

}  // namespace qcal
