#include "engine/plan/shared_parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/describe.h"
#include "engine/graph/fresh_names.h"

namespace qcal {
namespace {

bool same_factors(const PlannedTensor& a, const PlannedTensor& b) {
  if (a.bias_factors.has_value() != b.bias_factors.has_value()) return false;
  return !a.bias_factors || (a.bias_factors->input == b.bias_factors->input &&
                             a.bias_factors->weights == b.bias_factors->weights);
}

bool agree(const PlannedTensor& a, const PlannedTensor& b) {
  constexpr int widest_with_own_scale = 16;
  if (a.role != b.role || compact_settings_json(a.settings) != compact_settings_json(b.settings))
    return false;
  if (a.settings.per_channel.value && a.channel_axis != b.channel_axis) return false;
  return a.settings.bit_width.value <= widest_with_own_scale || same_factors(a, b);
}

bool is_planned(const QuantizationPlan& plan, const std::string& name) {
  return std::ranges::any_of(plan.tensors, [&](const PlannedTensor& tensor) { return tensor.name == name; });
}

}  // namespace

std::string add_parameter(const Graph& graph, QuantizationPlan& plan, PlannedTensor tensor) {
  bool shared = false;
  for (PlannedTensor& planned : plan.tensors) {
    if (planned.name != tensor.name && planned.decoupled_from != tensor.name) continue;
    shared = true;
    if (!agree(planned, tensor)) continue;
    planned.readers.push_back(tensor.layer);
    return planned.name;
  }
  tensor.readers = {tensor.layer};
  if (shared) {
    tensor.decoupled_from = tensor.name;
    tensor.name = unused_name(graph, fmt::format("{}@{}", tensor.name, tensor.layer));
    while (is_planned(plan, tensor.name)) tensor.name += '_';
    plan.notes.push_back(
        {tensor.decoupled_from, fmt::format("shared by layers with different settings: '{}' is its "
                                            "copy for '{}'",
                                            tensor.name, tensor.layer)});
  }
  plan.tensors.push_back(std::move(tensor));
  return plan.tensors.back().name;
}

}  // namespace qcal
