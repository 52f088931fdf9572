#include "engine/collect/tensor_parameters.h"

#include <algorithm>

#include "engine/search/search.h"
#include "kernels/scale_math.h"

namespace qcal {

TensorParameters planned_parameters(const PlannedTensor& tensor) {
  const TensorSettings& settings = tensor.settings;
  TensorParameters parameters;
  parameters.name = tensor.name;
  parameters.role = tensor.role;
  parameters.layer = tensor.layer;
  parameters.layer_type = tensor.layer_type;
  parameters.datatype = settings.datatype.value;
  parameters.bit_width = settings.bit_width.value;
  parameters.is_signed = settings.is_signed.value != Signedness::is_unsigned;
  const bool narrow = settings.narrow_range.value && settings.symmetry.value;
  const IntegerRange range = integer_range(parameters.bit_width, parameters.is_signed, narrow);
  parameters.qmin = range.qmin;
  parameters.qmax = range.qmax;
  parameters.symmetric = settings.symmetry.value;
  if (settings.per_channel.value) {
    parameters.granularity = Granularity::per_channel;
    parameters.axis = tensor.channel_axis;
  }
  parameters.method = settings.method.value;
  parameters.round_mode = settings.round_mode.value;
  parameters.scale_type = settings.scale_type.value;
  parameters.statistic = settings.calib_statistic_method.value;
  parameters.scope = settings.calib_scope.value;
  return parameters;
}

TensorParameters with_outcome(TensorParameters parameters, const TensorOutcome& outcome) {
  parameters.is_signed = outcome.settings.is_signed;
  parameters.symmetric = outcome.settings.symmetric;
  parameters.scale_type = outcome.settings.scale_type;
  parameters.qmin = outcome.settings.range.qmin;
  parameters.qmax = outcome.settings.range.qmax;
  for (const ScaleChoice& choice : outcome.channels) {
    parameters.scale.push_back(choice.scale);
    parameters.zero_point.push_back(choice.zero_point);
    parameters.amax.push_back(choice.amax);
  }
  for (const std::vector<ScaleChoice>& batch : outcome.per_batch) {
    parameters.per_batch.scale.emplace_back();
    parameters.per_batch.zero_point.emplace_back();
    parameters.per_batch.amax.emplace_back();
    for (const ScaleChoice& choice : batch) {
      parameters.per_batch.scale.back().push_back(choice.scale);
      parameters.per_batch.zero_point.back().push_back(choice.zero_point);
      parameters.per_batch.amax.back().push_back(choice.amax);
    }
  }
  parameters.batches = outcome.batches;
  parameters.elements = outcome.elements;
  parameters.non_finite = outcome.non_finite;
  set_fix_pos(parameters);
  return parameters;
}

QuantizationParameters with_shared_parameters(const QuantizationPlan& plan, QuantizationParameters found) {
  QuantizationParameters all;
  auto next = found.tensors.begin();
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.same_as.empty()) {
      all.tensors.push_back(std::move(*next++));
      continue;
    }
    all.tensors.push_back(*std::ranges::find(all.tensors, tensor.same_as, &TensorParameters::name));
    TensorParameters& copy = all.tensors.back();
    copy.name = tensor.name;
    copy.role = tensor.role;
    copy.layer = tensor.layer;
    copy.layer_type = tensor.layer_type;
  }
  return all;
}

void set_fix_pos(TensorParameters& parameters) {
  parameters.fix_pos.reset();
  if (parameters.scale_type != ScaleType::power_of_two) return;
  std::vector<int> positions;
  for (const double scale : parameters.scale) {
    positions.push_back(fix_pos_of(scale));
    if (exact_power_of_two(-positions.back()) != scale) return;
  }
  parameters.fix_pos = std::move(positions);
}

}  // namespace qcal
