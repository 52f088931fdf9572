#include "engine/export/qdq_graph.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/collect/channel_quantizers.h"
#include "engine/export/fresh_names.h"
#include "engine/export/integer_parameter.h"
#include "engine/export/raise_opset.h"
#include "engine/graph/graph_index.h"
#include "engine/plan/placement.h"
#include "engine/transform/clamp.h"
#include "engine/transform/drop_dead_nodes.h"

namespace qcal {
namespace {

constexpr std::int64_t first_opset_with_axis = 13;
constexpr std::int64_t first_opset_with_16_bits = 21;

ElementType stored_type(Datatype datatype) {
  return datatype == Datatype::float16 ? ElementType::float16 : ElementType::bfloat16;
}

bool is_cast(Datatype datatype) {
  return datatype == Datatype::float16 || datatype == Datatype::bfloat16;
}

std::int64_t needed_opset(const QuantizationParameters& parameters) {
  const bool wide = std::ranges::any_of(parameters.tensors, [](const TensorParameters& tensor) {
    if (tensor.datatype != Datatype::integer) return false;
    const ElementType type = container(tensor);
    return type == ElementType::int16 || type == ElementType::uint16;
  });
  return wide ? first_opset_with_16_bits : first_opset_with_axis;
}

class QdqWriter {
 public:
  QdqWriter(const Graph& graph, const QuantizationPlan& plan, const QuantizationParameters& parameters,
            Compatibility compatibility)
      : graph_(graph), result_(graph), index_(graph), names_(graph), compatibility_(compatibility) {
    result_.nodes.clear();
    for (const TensorParameters& tensor : parameters.tensors) parameters_.emplace(tensor.name, &tensor);
    for (const PlannedTensor& tensor : plan.tensors) {
      if (tensor.settings.datatype.value == Datatype::float32) continue;
      for (const std::string& reader : tensor.readers) read_by_[reader].push_back(&tensor);
      if (!tensor.parameter) activations_.insert(tensor.name);
      if (tensor.is_graph_output) outputs_.emplace(tensor.name, &tensor);
    }
  }

  Graph write() {
    for (const Node& node : graph_.nodes) {
      Node written = node;
      for (std::string& input : written.inputs) input = as_read_by(node, input);
      std::vector<std::pair<std::string, const PlannedTensor*>> outputs;
      for (std::string& output : written.outputs) {
        const PlannedTensor* tensor = quantized_output(output);
        if (tensor == nullptr) continue;
        const std::string& name = outputs.emplace_back(output, tensor).first;
        output = names_.fresh(name + "_float");
        in_float_[name] = output;
      }
      result_.nodes.push_back(std::move(written));
      for (const auto& [name, tensor] : outputs) {
        quantized_[name] = name;
        add_quantizer(in_float_.at(name), name, *tensor);
      }
    }
    return drop_dead_nodes(std::move(result_));
  }

 private:
  // The tensor whose quantizer the graph's output of that name is behind, or nullptr.
  const PlannedTensor* quantized_output(const std::string& name) const {
    if (!index_.is_output(name)) return nullptr;
    const auto source = quantized_source(graph_, index_, activations_, name);
    const auto found = source ? outputs_.find(*source) : outputs_.end();
    return found == outputs_.end() ? nullptr : found->second;
  }

  // What `node` reads in the place of `input`.
  std::string as_read_by(const Node& node, const std::string& input) {
    if (input.empty()) return input;
    const auto found = in_float_.find(input);
    const std::string& in_float = found == in_float_.end() ? input : found->second;
    const auto tensors = read_by_.find(node.name);
    if (tensors == read_by_.end()) return in_float;
    const bool is_constant = graph_.constants.contains(input);
    const auto source =
        is_constant ? std::nullopt : quantized_source(graph_, index_, activations_, input);
    for (const PlannedTensor* tensor : tensors->second) {
      const std::string& name = tensor->decoupled_from.empty() ? tensor->name : tensor->decoupled_from;
      if (is_constant && tensor->parameter && name == input) {
        const auto [written, is_new] = quantized_.try_emplace(tensor->name);
        if (is_new) written->second = parameter(*tensor, node, input);
        return written->second;
      }
      if (source && !tensor->parameter && name == *source) return activation(*tensor, input);
    }
    return in_float;
  }

  std::string activation(const PlannedTensor& tensor, const std::string& name) {
    // The channels of a rearranged tensor are elsewhere: such a tensor is read in float.
    const bool has_axis = tensor.settings.datatype.value == Datatype::integer && parameters(tensor).axis;
    if (name != tensor.name && has_axis) return name;
    const auto [found, is_new] = quantized_.try_emplace(name);
    if (is_new) {
      found->second = names_.fresh(name + "_dequantized");
      add_quantizer(name, found->second, tensor);
    }
    return found->second;
  }

  // Adds what makes `result` of `name`.
  void add_quantizer(const std::string& name, const std::string& result, const PlannedTensor& tensor) {
    if (is_cast(tensor.settings.datatype.value)) {
      const std::string stored = names_.fresh(name + "_cast");
      add_cast(name, stored, stored_type(tensor.settings.datatype.value));
      add_cast(stored, result, type_of(name));
      return;
    }
    const TensorParameters& values = parameters(tensor);
    const bool is_single = type_of(name) == ElementType::float32;
    const std::string source = without_clamp(name, values);
    std::string read = source;
    if (!is_single) add_cast(source, read = names_.fresh(name + "_single"), ElementType::float32);
    if (is_narrower_than_container(values) && !values.axis) read = clipped(name, read, values);
    const std::string stored = names_.fresh(name + "_quantized");
    const std::string real = is_single ? result : names_.fresh(name + "_dequantized_single");
    const std::vector<std::string> constants = quantizer_constants(name, values);
    add("QuantizeLinear", name, {read, constants[0], constants[1]}, stored, values.axis);
    add("DequantizeLinear", name, {stored, constants[0], constants[1]}, real, values.axis);
    if (!is_single) add_cast(real, result, type_of(name));
  }

  // `name`, or what its clamp reads where quantizing clamps as much.
  std::string without_clamp(const std::string& name, const TensorParameters& values) const {
    const auto producer = index_.producer(name);
    const bool is_written = quantized_output(name) != nullptr;
    if (!producer || is_written || index_.consumers(name).size() > 1 || values.axis) return name;
    const auto clamp = clamp_of(graph_, graph_.nodes[*producer]);
    if (!clamp || is_relu(*clamp)) return name;
    const ElementQuantizer quantizer =
        channel_quantizers({}, values, compatibility_).quantizers.front();
    const auto steps = [&](float bound) {
      return with_quantizer_kind(quantizer, [&](auto rounding, auto arithmetic) {
        return quantize_steps<rounding.value, arithmetic.value>(bound, quantizer);
      });
    };
    const bool repeats =
        std::ranges::all_of(clamp->lower, [&](float bound) { return steps(bound) == quantizer.lowest; }) &&
        std::ranges::all_of(clamp->upper, [&](float bound) { return steps(bound) == quantizer.highest; });
    return repeats ? clamp->input : name;
  }

  std::string clipped(const std::string& name, const std::string& read, const TensorParameters& values) {
    const auto bound = [&](std::int64_t q) {
      return static_cast<float>(values.scale[0]) * static_cast<float>(q - values.zero_point[0]);
    };
    std::string result = names_.fresh(name + "_clipped");
    add("Clip", name,
        {read, constant(name + "_lowest", make_constant({}, std::vector<float>{bound(values.qmin)})),
         constant(name + "_highest", make_constant({}, std::vector<float>{bound(values.qmax)}))},
        result, std::nullopt);
    return result;
  }

  std::string parameter(const PlannedTensor& tensor, const Node& node, const std::string& input) {
    const Constant& values = *graph_.constant(input);
    if (is_cast(tensor.settings.datatype.value)) {
      const std::string stored = names_.fresh(tensor.name + "_cast");
      std::string result = names_.fresh(tensor.name + "_float");
      add_cast(input, stored, stored_type(tensor.settings.datatype.value));
      add_cast(stored, result, type_of(input));
      return result;
    }
    const TensorParameters& found = parameters(tensor);
    IntegerParameter integers = integer_parameter(values, found, compatibility_);
    if (tensor.bias_factors && integers.type != ElementType::int32) {
      if (auto wide = rescaled_bias(integers, product(*tensor.bias_factors))) integers = std::move(*wide);
    }
    const std::string stored = integer_constant(tensor.name + "_quantized", values.shape, integers.values, integers.type);
    const bool several = integers.scale.size() > 1;
    std::vector<std::string> inputs{stored, reals(tensor.name + "_scale", integers.scale, several)};
    if (integers.type != ElementType::int32) {
      inputs.push_back(integer_constant(tensor.name + "_zero_point",
                                        several ? Shape{static_cast<std::int64_t>(integers.zero_point.size())} : Shape{},
                                        integers.zero_point, integers.type));
    }
    std::string result = names_.fresh(tensor.name + "_dequantized");
    const std::optional<int> axis = several ? axis_of(found) : std::nullopt;
    const bool is_single = type_of(node.input(0)) == ElementType::float32;
    const std::string real = is_single ? result : names_.fresh(tensor.name + "_single");
    add("DequantizeLinear", tensor.name, inputs, real, axis);
    if (!is_single) add_cast(real, result, type_of(node.input(0)));
    return result;
  }

  // Scale of input x weights, one or one a channel.
  std::vector<float> product(const BiasFactors& factors) const {
    const float input = static_cast<float>(parameters_.at(factors.input)->scale[0]);
    std::vector<float> result;
    for (const double scale : parameters_.at(factors.weights)->scale)
      result.push_back(input * static_cast<float>(scale));
    return result;
  }

  static std::optional<int> axis_of(const TensorParameters& found) { return found.axis ? found.axis : 0; }

  const TensorParameters& parameters(const PlannedTensor& tensor) const {
    return *parameters_.at(tensor.name);
  }

  ElementType type_of(const std::string& name) const {
    const Constant* constant = graph_.constant(name);
    const ElementType type = constant != nullptr ? constant->type : graph_.info(name).type;
    return type == ElementType::unknown ? ElementType::float32 : type;
  }

  // Scale and zero point, as constants.
  std::vector<std::string> quantizer_constants(const std::string& name, const TensorParameters& values) {
    std::vector<float> scale;
    for (const ElementQuantizer& quantizer : channel_quantizers({}, values, compatibility_).quantizers)
      scale.push_back(quantizer.scale);
    const Shape shape = values.axis ? Shape{static_cast<std::int64_t>(scale.size())} : Shape{};
    return {reals(name + "_scale", scale, values.axis.has_value()),
            integer_constant(name + "_zero_point", shape, values.zero_point, container(values))};
  }

  std::string reals(const std::string& name, const std::vector<float>& values, bool is_vector) {
    return constant(
        name, make_constant(is_vector ? Shape{static_cast<std::int64_t>(values.size())} : Shape{}, values));
  }

  std::string integer_constant(const std::string& name, Shape shape, const std::vector<std::int64_t>& values,
                               ElementType type) {
    auto result = std::make_shared<Constant>();
    result->type = type;
    result->shape = std::move(shape);
    result->values = values;
    return constant(name, std::move(result));
  }

  std::string constant(const std::string& wanted, ConstantPointer value) {
    std::string name = names_.fresh(wanted);
    result_.constants.emplace(name, std::move(value));
    return name;
  }

  void add(const char* op, const std::string& tensor, std::vector<std::string> inputs,
           const std::string& output, std::optional<int> axis) {
    Node node;
    node.op_type = op;
    node.name = names_.fresh(tensor + "_" + op);
    node.inputs = std::move(inputs);
    node.outputs = {output};
    if (axis) node.attributes.emplace("axis", static_cast<std::int64_t>(*axis));
    result_.nodes.push_back(std::move(node));
  }

  void add_cast(const std::string& input, const std::string& output, ElementType type) {
    add("Cast", output, {input}, output, std::nullopt);
    result_.nodes.back().attributes.emplace("to", static_cast<std::int64_t>(type));
  }

  const Graph& graph_;
  Graph result_;
  const GraphIndex index_;
  FreshNames names_;
  const Compatibility compatibility_;
  std::unordered_map<std::string, const TensorParameters*> parameters_;
  std::unordered_map<std::string, std::vector<const PlannedTensor*>> read_by_;  // node name -> its tensors
  std::set<std::string> activations_;
  std::map<std::string, const PlannedTensor*> outputs_;     // quantized tensors that are handed out
  std::unordered_map<std::string, std::string> in_float_;   // graph output -> its values before the quantizer
  std::unordered_map<std::string, std::string> quantized_;  // tensor -> its values behind the quantizer
};

}  // namespace

Graph quantized_graph(const Graph& graph, const QuantizationPlan& plan,
                      const QuantizationParameters& parameters, Compatibility compatibility) {
  const Graph raised = raise_opset(graph, needed_opset(parameters));
  return QdqWriter(raised, plan, parameters, compatibility).write();
}

}  // namespace qcal
