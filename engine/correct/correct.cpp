#include "engine/correct/correct.h"

#include <algorithm>
#include <utility>

namespace qcal {
namespace {

// `found` with the results of the tensors in `again` in the place of theirs.
QuantizationParameters replaced(QuantizationParameters found, const QuantizationParameters& again) {
  for (const TensorParameters& tensor : again.tensors)
    *std::ranges::find(found.tensors, tensor.name, &TensorParameters::name) = tensor;
  return found;
}

// The plan's biases that are quantized with scales of their own, with corrected values.
QuantizationPlan corrected_biases(const QuantizationPlan& plan,
                                  const std::vector<BiasCorrection>& corrections) {
  constexpr int widest_with_own_scale = 16;
  QuantizationPlan biases;
  for (const BiasCorrection& correction : corrections) {
    if (!correction.kept) continue;
    const auto bias = std::ranges::find(plan.tensors, correction.bias, &PlannedTensor::name);
    if (bias == plan.tensors.end() || bias->settings.datatype.value != Datatype::integer) continue;
    if (bias->settings.bit_width.value > widest_with_own_scale) continue;
    biases.tensors.push_back(*bias);
    biases.tensors.back().parameter->values = correction.corrected;
  }
  return biases;
}

}  // namespace

Corrected correct(const Graph& graph, const QuantizationPlan& plan, const Configuration& configuration,
                  const Alignment& align, const BiasCorrector* corrector, QuantizationParameters found,
                  const ParameterSearch& search) {
  const auto adjusted = [&](const QuantizationParameters& parameters) {
    if (configuration.target_device.value != TargetDevice::dpu) return AdjustedParameters{parameters, {}, {}};
    return apply_dpu_rules(graph, plan, parameters,
                           {.align = align, .compatibility = configuration.compatibility});
  };
  AdjustedParameters result = adjusted(found);
  std::vector<BiasCorrection> corrections;
  if (corrector != nullptr) {
    corrections = corrector->corrections(result.parameters, configuration.compatibility);
    const QuantizationPlan biases = corrected_biases(plan, corrections);
    if (!biases.tensors.empty() && configuration.compatibility == Compatibility::standard) {
      result = adjusted(replaced(std::move(found), search(biases)));
      corrections = corrector->corrections(result.parameters, configuration.compatibility);
    }
  }
  return {std::move(result.parameters), std::move(result.adjustments), std::move(corrections),
          std::move(result.notes)};
}

}  // namespace qcal
