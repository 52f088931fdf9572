// Bias correction on the inputs that the quantized network itself has.
//
// The expected error of channel c is mean(Wq xq) - mean(W x): of the quantized weights on the quantized
// network's inputs, minus the float weights on the recorded float ones. So a layer also takes back what the
// layers before it leave. That holds only for inputs that come about with the corrections of all those layers
// in force, so the layers have their turns: correcting all of them from one quantized run adds up errors that
// the earlier corrections already took back, and diverges.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/correct/bias_corrector.h"

namespace qcal {

// For one who can run the quantized network:
//
//   SequentialBias sequential(...);
//   while (const auto tensor = sequential.next()) {
//     for (each batch of the calibration inputs)
//       sequential.observe(*tensor, its values in the quantized network with sequential.corrections());
//     sequential.decide();
//   }
class SequentialBias {
 public:
  // Everything that is referred to must outlive this object. `local` was made for the same graph and plan and
  // has observed the float recording; `parameters` are those of the quantized network.
  SequentialBias(const BiasCorrector& local, BiasCorrector quantized_inputs,
                 const QuantizationParameters& parameters, Compatibility compatibility);

  // The tensor whose quantized values are wanted, one that layers with quantized weights read; its turn comes
  // after all layers that it depends on. Absent when every layer is decided.
  std::optional<std::string> next() const;

  // A batch of next(): the same samples as in the float recording, in its order, dequantized, from the
  // network in which the kept ones of corrections() are added to the biases. Throws InvalidArgument for any
  // other tensor.
  void observe(const std::string& tensor, const TensorParts& batch);

  // Decides on the layers that read next(), and passes the turn on: kept where it lowers the error on the
  // samples held back, as in BiasCorrector. Throws InvalidArgument where the batches observed do not hold as
  // many samples and positions as the recording.
  void decide();

  // Of the layers decided so far, in graph order; in the end of all layers with quantized weights.
  std::vector<BiasCorrection> corrections() const;

 private:
  // Passes over layers that cannot be corrected, whatever their inputs.
  void find_turn();

  const BiasCorrector& local_;
  BiasCorrector quantized_;
  const QuantizationParameters& parameters_;
  const Compatibility compatibility_;
  std::map<std::size_t, BiasCorrection> decided_;  // by number of the layer
  std::optional<std::string> turn_;
};

}  // namespace qcal
