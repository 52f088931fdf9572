#include "engine/correct/costly_outputs.h"

#include <algorithm>

#include "engine/collect/channel_quantizers.h"
#include "engine/collect/tensor_parameters.h"

namespace qcal {

OutputCosts::OutputCosts(const QuantizationPlan& plan) {
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.only_for_kernels) values_[tensor.name];
  }
}

void OutputCosts::observe(const std::string& tensor, const TensorParts& batch) {
  const auto found = values_.find(tensor);
  if (found != values_.end()) count(batch, found->second);
}

std::vector<CostlyOutput> OutputCosts::costly(const QuantizationPlan& plan,
                                              const QuantizationParameters& found,
                                              Compatibility compatibility) const {
  std::vector<CostlyOutput> outputs;
  for (const PlannedTensor& tensor : plan.tensors) {
    if (!tensor.only_for_kernels) continue;
    const auto parameters = std::ranges::find(found.tensors, tensor.name, &TensorParameters::name);
    const double sqnr = signal_to_noise(
        values(tensor.name), channel_quantizers({}, *parameters, compatibility).quantizers.front());
    const double least = plan.min_output_sqnr.value;
    if (sqnr < least) outputs.push_back({tensor.name, tensor.layer, sqnr, least});
  }
  return outputs;
}

void leave_out(const std::vector<CostlyOutput>& outputs, QuantizationPlan& plan,
               QuantizationParameters& found) {
  for (const CostlyOutput& output : outputs) {
    leave_in_float(plan, output.tensor, plan.min_output_sqnr.source);
    const auto tensor = std::ranges::find(plan.tensors, output.tensor, &PlannedTensor::name);
    *std::ranges::find(found.tensors, output.tensor, &TensorParameters::name) = planned_parameters(*tensor);
  }
}

void leave_out_as_in(const QuantizationParameters& parameters, QuantizationPlan& plan) {
  std::vector<std::string> outputs;
  for (const PlannedTensor& tensor : plan.tensors) {
    const auto found = std::ranges::find(parameters.tensors, tensor.name, &TensorParameters::name);
    const bool is_float = found != parameters.tensors.end() && found->datatype == Datatype::float32;
    if (tensor.only_for_kernels && is_float) outputs.push_back(tensor.name);
  }
  for (const std::string& output : outputs) leave_in_float(plan, output, plan.min_output_sqnr.source);
}

}  // namespace qcal
