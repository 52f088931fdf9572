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
    biases.tensors.back().parameter = make_constant(bias->parameter->shape, correction.corrected);
  }
  return biases;
}

// Device rules, where there are any.
AdjustedParameters adjusted(const Graph& graph, const QuantizationPlan& plan,
                            const Configuration& configuration, const Alignment& align,
                            QuantizationParameters parameters) {
  if (configuration.target_device.value != TargetDevice::dpu) return {std::move(parameters), {}, {}};
  return apply_dpu_rules(graph, plan, std::move(parameters),
                         {.align = align, .compatibility = configuration.compatibility});
}

}  // namespace

Corrected with_corrections(const Graph& graph, const QuantizationPlan& plan,
                           const Configuration& configuration, const Alignment& align,
                           std::vector<BiasCorrection> corrections, QuantizationParameters found,
                           const ParameterSearch& search) {
  const QuantizationPlan biases = corrected_biases(plan, corrections);
  if (!biases.tensors.empty() && configuration.compatibility == Compatibility::standard)
    found = replaced(std::move(found), search(biases));
  AdjustedParameters result = adjusted(graph, plan, configuration, align, std::move(found));
  return {std::move(result.parameters), std::move(result.adjustments), std::move(corrections),
          std::move(result.notes)};
}

Corrected correct(const Graph& graph, const QuantizationPlan& plan, const Configuration& configuration,
                  const Alignment& align, const BiasCorrector* corrector, QuantizationParameters found,
                  const ParameterSearch& search) {
  std::vector<BiasCorrection> corrections;
  const auto correct_for = [&](const QuantizationParameters& parameters) {
    if (corrector != nullptr) corrections = corrector->corrections(parameters, configuration.compatibility);
  };
  correct_for(adjusted(graph, plan, configuration, align, found).parameters);
  Corrected result =
      with_corrections(graph, plan, configuration, align, corrections, std::move(found), search);
  // Only a device's rules change the weights' parameters again.
  if (configuration.target_device.value == TargetDevice::dpu) correct_for(result.parameters);
  result.bias_corrections = std::move(corrections);
  return result;
}

}  // namespace qcal
