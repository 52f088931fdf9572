#include "engine/correct/dpu_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/correct/wired_layers.h"
#include "engine/graph/weighted_operator.h"
#include "kernels/error.h"

namespace qcal {
namespace {

bool is_pool(const Node& node) {
  return node.is("MaxPool") || node.is("AveragePool") || node.is("GlobalAveragePool") ||
         node.is("GlobalMaxPool");
}

bool is_aligned(const Node& node, const Alignment& align) {
  return (align.concat && node.is("Concat")) || (align.add && node.is("Add")) ||
         (align.pool && is_pool(node));
}

// The positions that a layer with weights computes with.
struct ShiftPositions {
  int input = 0;
  int weights = 0;
  int output = 0;
  int cut() const { return weights + input - output; }
  int bias_shift(int bias) const { return weights + input - bias; }
};

class Adjuster {
 public:
  Adjuster(const Graph& graph, const QuantizationPlan& plan, QuantizationParameters parameters,
           const DpuRules& rules)
      : graph_(graph),
        plan_(plan),
        rules_(rules),
        layers_(wired_layers(graph, plan)),
        positions_(std::move(parameters)) {}

  AdjustedParameters adjusted() {
    std::for_each(layers_.rbegin(), layers_.rend(), [&](const WiredLayer& layer) { align_inputs(layer); });
    for (const WiredLayer& layer : layers_) {
      copy_input_position(layer);
      bound_hard_activation(layer);
    }
    for (const WiredLayer& layer : layers_) bound_shifts(layer);
    follow_factors();
    AdjustedParameters result{positions_.parameters(), positions_.adjustments(), {}};
    for (const WiredLayer& layer : layers_) note_bounds(layer, result.notes);
    return result;
  }

 private:
  const std::string& first_input(const WiredLayer& layer) const {
    static const std::string none;
    return layer.inputs.empty() ? none : layer.inputs.front();
  }

  void align_inputs(const WiredLayer& layer) {
    const auto output = positions_.of(layer.output);
    if (!output || !is_aligned(*layer.node, rules_.align)) return;
    for (const std::string& input : layer.inputs) {
      if (positions_.of(input)) positions_.set(input, *output, "align", layer.node->name);
    }
  }

  void copy_input_position(const WiredLayer& layer) {
    const Node& node = *layer.node;
    const bool is_pad = node.is("Pad");
    if (!is_pad && !(node.is("Resize") && node.text("mode", "nearest") == "nearest")) return;
    if (layer.output_of_concat && !(is_pad && rules_.compatibility == Compatibility::vitis)) return;
    const auto input = positions_.of(first_input(layer));
    if (input && positions_.of(layer.output)) {
      positions_.set(layer.output, *input, is_pad ? "pad" : "nearest_resize", node.name);
    }
  }

  void bound_hard_activation(const WiredLayer& layer) {
    const Node& node = *layer.node;
    const bool is_sigmoid = node.is("HardSigmoid");
    if (!is_sigmoid && !node.is("HardSwish")) return;
    const std::string rule = is_sigmoid ? "hard_sigmoid" : "hard_swish";
    const std::string& input = first_input(layer);
    const auto output_position = positions_.of(layer.output);
    if (is_sigmoid && output_position) {
      positions_.set(layer.output, std::max(*output_position, 7), rule, node.name);
    }
    const auto input_position = positions_.of(input);
    if (!input_position) return;
    const int bounded = std::max(*input_position, 0);
    positions_.set(input, bounded, rule, node.name);
    if (!is_sigmoid && output_position) {
      positions_.set(layer.output, std::min(*output_position, bounded + 7), rule, node.name);
    }
  }

  // Absent where the layer has no weights or where something lacks a position.
  std::optional<ShiftPositions> shifts(const WiredLayer& layer) const {
    if (!weighted_operator(graph_, *layer.node)) return std::nullopt;
    const auto input = positions_.of(first_input(layer));
    const auto weights = positions_.of(layer.weights);
    const auto output = positions_.of(layer.output);
    if (!input || !weights || !output) return std::nullopt;
    return ShiftPositions{*input, *weights, *output};
  }

  void bound_shifts(const WiredLayer& layer) {
    const auto found = shifts(layer);
    if (!found) return;
    const ShiftLimits& limits = rules_.shifts;
    const std::string& name = layer.node->name;
    ShiftPositions at = *found;
    const int cut = at.cut();
    if (cut < limits.least_cut) {
      positions_.set(layer.output, at.output + cut - limits.least_cut, "shift_cut", name);
    } else if (cut > limits.most_cut) {
      at.weights -= cut - limits.most_cut;
      positions_.set(layer.weights, at.weights, "shift_cut", name);
    }
    const auto bias = positions_.of(layer.bias);
    if (!bias || follows_factors(layer.bias)) return;
    const int shift = at.bias_shift(*bias);
    const int least = least_shift_bias(limits, cut);
    if (shift < least) {
      positions_.set(layer.bias, *bias + shift - least, "shift_bias", name);
    } else if (shift > limits.most_bias) {
      positions_.set(layer.weights, at.weights - (shift - limits.most_bias), "shift_bias", name);
    }
  }

  const PlannedTensor* product_bias(const std::string& tensor) const {
    const auto found = std::ranges::find(plan_.tensors, tensor, &PlannedTensor::name);
    const bool is_product =
        found != plan_.tensors.end() && found->bias_factors && found->settings.bit_width.value == 32;
    return is_product ? &*found : nullptr;
  }
  bool follows_factors(const std::string& tensor) const { return product_bias(tensor) != nullptr; }

  // The scale of a wide bias is the product of its factors' scales, which may have moved.
  void follow_factors() {
    for (const WiredLayer& layer : layers_) {
      const PlannedTensor* bias = product_bias(layer.bias);
      if (bias == nullptr || !positions_.of(bias->name)) continue;
      const auto input = positions_.of(bias->bias_factors->input);
      const auto weights = positions_.of(bias->bias_factors->weights);
      if (input && weights)
        positions_.set(bias->name, *input + *weights, "input x weights", layer.node->name);
    }
  }

  // A later step, or another layer that shares a tensor, may have undone what one layer needs.
  void note_bounds(const WiredLayer& layer, std::vector<PlanNote>& notes) const {
    const auto at = shifts(layer);
    if (!at) return;
    const ShiftLimits& limits = rules_.shifts;
    const auto check = [&](const char* what, int shift, int least, int most) {
      if (shift >= least && shift <= most) return;
      notes.push_back(
          {layer.node->name, fmt::format("{} is {} after all adjustments; the device takes {} to {}", what,
                                         shift, least, most)});
    };
    check("shift_cut", at->cut(), limits.least_cut, limits.most_cut);
    if (const auto bias = positions_.of(layer.bias)) {
      check("shift_bias", at->bias_shift(*bias), least_shift_bias(limits, at->cut()), limits.most_bias);
    }
  }

  const Graph& graph_;
  const QuantizationPlan& plan_;
  const DpuRules& rules_;
  const std::vector<WiredLayer> layers_;
  Positions positions_;
};

}  // namespace

int least_shift_bias(const ShiftLimits& limits, int shift_cut) {
  constexpr int accumulator_bits = 24;
  constexpr int result_bits = 8;
  return limits.least_bias.value_or(std::min(0, -(accumulator_bits - (result_bits + shift_cut))));
}

Alignment alignment_of(const std::vector<std::string>& operators) {
  Alignment align;
  for (const std::string& name : operators) {
    if (name != "concat" && name != "add" && name != "pool")
      throw InvalidArgument("align: \"" + name + "\" is not allowed; allowed: concat, add, pool");
    (name == "concat" ? align.concat : name == "add" ? align.add : align.pool) = true;
  }
  return align;
}

AdjustedParameters apply_dpu_rules(const Graph& graph, const QuantizationPlan& plan,
                                   QuantizationParameters parameters, const DpuRules& rules) {
  return Adjuster(graph, plan, std::move(parameters), rules).adjusted();
}

}  // namespace qcal
