#include "engine/plan/plan_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/describe.h"
#include "config/setting_names.h"
#include "config/value_text.h"

namespace qcal {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t extent : shape) {
    if (!text.empty()) text += " x ";
    text += extent < 0 ? "?" : std::to_string(extent);
  }
  return text.empty() ? "unknown" : text;
}

std::string heading(const QuantizationPlan& plan, const PlannedTensor& tensor) {
  std::string text = fmt::format("{}\n  {}", tensor.name, spelling(tensor.role));
  if (!tensor.layer.empty()) text += fmt::format(" of {} ({})", tensor.layer, tensor.layer_type);
  text += fmt::format(", shape {}", shape_text(tensor.shape));
  if (tensor.channel_axis) text += fmt::format(", channel axis {}", *tensor.channel_axis);
  if (tensor.parameter && tensor.readers.size() > 1)
    text += fmt::format(", shared by {} layers", tensor.readers.size());
  if (!tensor.decoupled_from.empty()) text += fmt::format(", a copy of {}", tensor.decoupled_from);
  text += '\n';
  if (!tensor.same_as.empty()) text += fmt::format("  with the parameters of {}\n", tensor.same_as);
  if (tensor.parameter) return text;
  std::string readers = joined(tensor.readers);
  if (tensor.is_graph_output) readers += readers.empty() ? "the graph's output" : ", the graph's output";
  text += fmt::format("  quantized for {}\n", readers.empty() ? "nobody" : readers);
  if (tensor.only_for_kernels)
    text += fmt::format("  in float where that leaves less than {} dB  ({})\n",
                        value_text(plan.min_output_sqnr.value), plan.min_output_sqnr.source.text());
  return text;
}

// Which policy chose, and what it left out.
std::string placement_text(const QuantizationPlan& plan) {
  const auto chosen = std::ranges::count_if(
      plan.tensors, [](const PlannedTensor& tensor) { return tensor.parameter == nullptr; });
  std::string text =
      fmt::format("placement {}: {} inputs and activations quantized, {} left in float  ({})\n",
                  spelling(plan.placement.value), chosen, plan.left_out.size(), plan.placement.source.text());
  for (const std::string& name : plan.left_out) text += fmt::format("  in float: {}\n", name);
  return text;
}

}  // namespace

std::string plan_text(const QuantizationPlan& plan) {
  std::string text;
  for (const PlannedTensor& tensor : plan.tensors) {
    if (!text.empty()) text += '\n';
    text += heading(plan, tensor) + describe_text(tensor.settings, "    ");
  }
  if (!plan.transforms.empty() || !plan.notes.empty()) text += '\n' + placement_text(plan);
  for (const TransformStatus& transform : plan.transforms) {
    text += fmt::format("transform {}: {}\n", transform.name, transform.status);
    for (const std::string& line : transform.details) text += fmt::format("  {}\n", line);
  }
  for (const PlanNote& note : plan.notes) text += fmt::format("note: {}: {}\n", note.subject, note.text);
  return text;
}

}  // namespace qcal
