#include "engine/plan/quantization_plan.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "engine/graph/graph_index.h"
#include "engine/graph/weighted_operator.h"
#include "engine/plan/channel_axis.h"
#include "engine/plan/float_layers.h"
#include "engine/plan/groups.h"
#include "engine/plan/layer_identity.h"
#include "engine/plan/operator_roles.h"
#include "engine/plan/placement.h"
#include "engine/plan/plan_notes.h"
#include "engine/plan/quantizable_activations.h"
#include "engine/plan/shared_parameters.h"

namespace qcal {
namespace {

std::vector<std::int64_t> known_shape(const Graph& graph, const std::string& tensor) {
  return graph.info(tensor).shape.value_or(Shape{});
}

void keep_in_float(PlannedTensor& tensor, const Source& source) {
  tensor.settings.datatype = {Datatype::float32, source};
}

// Builds the plan layer by layer; one object holds what every step looks at.
class Planner {
 public:
  Planner(const Graph& graph, const Configuration& configuration)
      : graph_(graph),
        configuration_(configuration),
        index_(graph),
        groups_(form_groups(graph, index_)),
        float_(float_layers(graph, groups_, configuration)),
        axes_(activation_channel_axes(graph)),
        activations_(quantizable_activations(graph, index_, groups_)),
        placed_(placed()) {}

  QuantizationPlan plan() {
    plan_.notes = plan_notes(graph_, configuration_);
    plan_.notes.insert(plan_.notes.end(), float_.notes.begin(), float_.notes.end());
    plan_.transforms = transform_status(graph_, configuration_);
    plan_.placement = configuration_.placement;
    plan_.min_output_sqnr = configuration_.min_output_sqnr;
    for (const std::string& input : graph_.inputs) add_input(input);
    for (const Group& group : groups_) {
      for (const QuantizedActivation& activation : activations_) {
        if (activation.layer == group.head && activation.feeds_layer) add_activation(activation);
      }
      add_parameters(group.head);
      for (const QuantizedActivation& activation : activations_) {
        if (activation.layer == group.head && !activation.feeds_layer) add_activation(activation);
      }
    }
    return std::move(plan_);
  }

 private:
  bool quantizes(Role role) const { return configuration_.quantizable[role].value; }

  Placed placed() const {
    std::set<std::string> candidates;
    for (const std::string& input : graph_.inputs) {
      if (carries_reals(graph_, input)) candidates.insert(input);
    }
    for (const QuantizedActivation& activation : activations_) candidates.insert(activation.tensor);
    std::set<std::size_t> float_layers;
    for (const auto& [layer, source] : float_.layers) float_layers.insert(layer);
    return place(configuration_.placement.value, {graph_, index_, groups_, float_layers}, candidates);
  }

  // Enters who reads the tensor in quantized form. False where the placement leaves it in float.
  bool set_readers(PlannedTensor& tensor) {
    const auto found = placed_.find(tensor.name);
    if (found == placed_.end()) {
      plan_.left_out.push_back(tensor.name);
      return false;
    }
    for (const std::size_t node : found->second.nodes) tensor.readers.push_back(graph_.nodes[node].name);
    tensor.is_graph_output = found->second.graph_output;
    tensor.only_for_kernels = found->second.only_for_kernels;
    return true;
  }

  PlannedTensor tensor_of(const std::string& name, Role role, const Node* layer) const {
    PlannedTensor tensor;
    tensor.name = name;
    tensor.role = role;
    tensor.shape = known_shape(graph_, name);
    if (layer != nullptr) {
      tensor.layer = layer->name;
      tensor.layer_type = layer_type(graph_, *layer);
      tensor.layer_op = layer->op_type;
    }
    return tensor;
  }

  std::optional<int> activation_axis(const std::string& name) const {
    const auto found = axes_.find(name);
    return found == axes_.end() ? std::nullopt : std::optional(found->second);
  }

  void add(PlannedTensor tensor) {
    if (tensor.settings.datatype.value == Datatype::integer) quantized_.insert(tensor.name);
    plan_.tensors.push_back(std::move(tensor));
  }

  // The groups' heads that read `tensor`, also through shape operators.
  std::vector<std::size_t> reading_layers(const std::string& tensor) const {
    std::vector<std::size_t> layers;
    for (const Group& group : groups_) {
      const Node& head = graph_.nodes[group.head];
      const auto inputs = data_inputs(graph_, head, *find_operator(head));
      const bool reads = std::ranges::any_of(inputs, [&](const std::string& input) {
        return quantized_source(graph_, index_, {tensor}, input).has_value();
      });
      if (reads) layers.push_back(group.head);
    }
    return layers;
  }

  // A graph input belongs to no layer; an entry that selects the first layer to read it may set its `input`
  // role.
  void add_input(const std::string& name) {
    if (!quantizes(Role::input) || !carries_reals(graph_, name) || index_.consumers(name).empty()) return;
    PlannedTensor tensor = tensor_of(name, Role::input, nullptr);
    if (!set_readers(tensor)) return;
    tensor.channel_axis = activation_axis(name);
    const auto layers = reading_layers(name);
    const Role role = configuration_.compatibility == Compatibility::vitis ? Role::activation : Role::input;
    const LayerIdentity identity =
        layers.empty() ? LayerIdentity{name, "", {}} : layer_identity(graph_, graph_.nodes[layers.front()]);
    const bool of_layer = configuration_.compatibility == Compatibility::standard;
    tensor.settings =
        of_layer ? resolve(configuration_, identity)[role] : configuration_.tensor_settings[role];
    const bool only_float = !layers.empty() && std::ranges::all_of(layers, [&](std::size_t layer) {
      return float_.layers.contains(layer);
    });
    if (only_float) keep_in_float(tensor, float_.layers.at(layers.front()));
    add(std::move(tensor));
  }

  void add_activation(const QuantizedActivation& activation) {
    if (!quantizes(Role::activation)) return;
    PlannedTensor tensor = tensor_of(activation.tensor, Role::activation, &graph_.nodes[activation.layer]);
    if (!set_readers(tensor)) return;
    tensor.channel_axis = activation_axis(activation.tensor);
    const LayerIdentity identity =
        selected_member(graph_, activation.members, configuration_, Role::activation);
    tensor.settings = resolve(configuration_, identity)[Role::activation];
    if (const auto kept = float_.layers.find(activation.layer); kept != float_.layers.end()) {
      keep_in_float(tensor, kept->second);
    }
    // Integer kernels take one scale a tensor.
    const bool is_for_kernels =
        tensor.settings.datatype.value == Datatype::integer && !tensor.settings.per_channel.value;
    tensor.only_for_kernels = tensor.only_for_kernels && is_for_kernels;
    tensor.same_as = source_of_values(activation, tensor);
    add(std::move(tensor));
  }

  // What a tensor for integer kernels shares its parameters with; "" where it has its own.
  std::string source_of_values(const QuantizedActivation& activation, const PlannedTensor& tensor) const {
    if (configuration_.placement.value != Placement::fused || activation.feeds_layer) return "";
    const Node& head = graph_.nodes[activation.layer];
    const bool only_selects =
        selects_values(head) && std::ranges::all_of(activation.members, [&](std::size_t member) {
          return member == activation.layer ||
                 find_operator(graph_.nodes[member])->role == OperatorRole::shape;
        });
    if (!only_selects) return "";
    const std::string source =
        quantized_source(graph_, index_, quantized_, head.input(0)).value_or(std::string());
    const auto found = std::ranges::find(plan_.tensors, source, &PlannedTensor::name);
    if (found == plan_.tensors.end() || found->settings.per_channel.value ||
        tensor.settings.per_channel.value)
      return "";
    return tensor.settings.datatype.value == Datatype::integer ? source : "";
  }

  std::optional<int> parameter_axis(const Node& node, Role role, const Shape& shape) const {
    if (shape.empty()) return std::nullopt;
    if (role == Role::weights) {
      if (const auto layer = weighted_operator(graph_, node)) return layer->channel_axis;
      return 0;
    }
    return static_cast<int>(shape.size()) - 1;
  }

  void add_parameters(std::size_t layer) {
    const Node& node = graph_.nodes[layer];
    const RoleSettings settings = resolve(configuration_, layer_identity(graph_, node));
    std::string weights;
    for (const ParameterSlot& slot : find_operator(node)->parameters) {
      const std::string& name = node.input(slot.input);
      const auto constant = graph_.constants.find(name);
      if (!quantizes(slot.role) || constant == graph_.constants.end() || !constant->second->reals()) continue;
      PlannedTensor tensor = tensor_of(name, slot.role, &node);
      tensor.parameter = constant->second;
      tensor.channel_axis = parameter_axis(node, slot.role, tensor.parameter->shape);
      tensor.settings = settings[slot.role];
      if (const auto kept = float_.layers.find(layer); kept != float_.layers.end()) {
        keep_in_float(tensor, kept->second);
      }
      const bool is_integer = tensor.settings.datatype.value == Datatype::integer;
      if (slot.role == Role::bias && is_integer && !weights.empty())
        tensor.bias_factors = factors(node, weights);
      const std::string planned = add_parameter(graph_, plan_, std::move(tensor));
      if (slot.role == Role::weights && is_integer) weights = planned;
    }
  }

  std::optional<BiasFactors> factors(const Node& node, const std::string& weights) const {
    if (!weighted_operator(graph_, node)) return std::nullopt;
    const auto source = quantized_source(graph_, index_, quantized_, node.input(0));
    return source ? std::optional(BiasFactors{*source, weights}) : std::nullopt;
  }

  const Graph& graph_;
  const Configuration& configuration_;
  const GraphIndex index_;
  const std::vector<Group> groups_;
  const FloatLayers float_;
  const std::map<std::string, int> axes_;
  const std::vector<QuantizedActivation> activations_;
  const Placed placed_;
  std::set<std::string> quantized_;  // inputs and activations in the plan, with an integer datatype
  QuantizationPlan plan_;
};

}  // namespace

TensorView values_of(const PlannedTensor& parameter) {
  const Constant& constant = *parameter.parameter;
  return {constant.reals()->data(), DType::f32, constant.shape, Memory::host, {}};
}

QuantizationPlan make_plan(const Graph& graph, const Configuration& configuration) {
  return Planner(graph, configuration).plan();
}

void leave_in_float(QuantizationPlan& plan, std::string_view tensor, const Source& source) {
  for (PlannedTensor& planned : plan.tensors) {
    if (!planned.parameter && planned.name == tensor) keep_in_float(planned, source);
    if (planned.same_as == tensor) planned.same_as.clear();
  }
}

QuantizationPlan plan_of_layer(const QuantizationPlan& plan, std::string_view layer) {
  QuantizationPlan part;
  part.min_output_sqnr = plan.min_output_sqnr;
  std::ranges::copy_if(plan.tensors, std::back_inserter(part.tensors), [&](const PlannedTensor& tensor) {
    const bool reads = std::ranges::find(tensor.readers, layer) != tensor.readers.end();
    return tensor.layer == layer || (tensor.parameter && reads);
  });
  return part;
}

std::vector<std::string> tensors_to_record(const QuantizationPlan& plan) {
  std::vector<std::string> names;
  for (const PlannedTensor& tensor : plan.tensors) {
    const bool observed = tensor.role == Role::input || tensor.role == Role::activation;
    if (observed && tensor.settings.datatype.value == Datatype::integer) names.push_back(tensor.name);
  }
  return names;
}

}  // namespace qcal
