#include "engine/export/qdq_graph.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/collect/channel_quantizers.h"
#include "engine/dumps/in_quotes.h"
#include "engine/error.h"
#include "engine/export/graph_additions.h"
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
      : graph_(graph), result_(graph), index_(graph), additions_(result_), compatibility_(compatibility) {
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
        output = additions_.tensor(name + "_float");
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
    return found != outputs_.end() && has_channels_of(name, *found->second) ? found->second : nullptr;
  }

  // What `node` reads in the place of `input`.
  std::string as_read_by(const Node& node, const std::string& input) {
    if (input.empty()) return input;
    const auto found = in_float_.find(input);
    const std::string& in_float = found == in_float_.end() ? input : found->second;
    const auto tensors = read_by_.find(node.name);
    if (tensors == read_by_.end()) return in_float;
    const bool is_constant = graph_.constants.contains(input);
    const auto source = is_constant ? std::nullopt : quantized_source(graph_, index_, activations_, input);
    for (const PlannedTensor* tensor : tensors->second) {
      const std::string& name = tensor->decoupled_from.empty() ? tensor->name : tensor->decoupled_from;
      if (is_constant && tensor->parameter && name == input) {
        const auto [written, is_new] = quantized_.try_emplace(tensor->name);
        if (is_new) written->second = parameter(*tensor, node, input);
        return written->second;
      }
      const bool is_source = source && !tensor->parameter && name == *source;
      if (is_source && has_channels_of(input, *tensor)) return activation(*tensor, input);
    }
    return in_float;
  }

  // A rearranged tensor has its channels elsewhere: where each has a scale, it stays in float.
  bool has_channels_of(const std::string& name, const PlannedTensor& tensor) const {
    if (name == tensor.name || tensor.settings.datatype.value != Datatype::integer) return true;
    return !parameters(tensor).axis;
  }

  std::string activation(const PlannedTensor& tensor, const std::string& name) {
    const auto [found, is_new] = quantized_.try_emplace(name);
    if (is_new) {
      found->second = additions_.tensor(name + "_dequantized");
      add_quantizer(name, found->second, tensor);
    }
    return found->second;
  }

  // Adds what makes `result` of `name`.
  void add_quantizer(const std::string& name, const std::string& result, const PlannedTensor& tensor) {
    if (is_cast(tensor.settings.datatype.value)) {
      const std::string stored = additions_.tensor(name + "_cast");
      add_cast(name, stored, stored_type(tensor.settings.datatype.value));
      add_cast(stored, result, type_of(name));
      return;
    }
    const TensorParameters& values = parameters(tensor);
    const bool is_single = type_of(name) == ElementType::float32;
    const std::string source = without_clamp(name, values);
    std::string read = source;
    if (!is_single) add_cast(source, read = additions_.tensor(name + "_single"), ElementType::float32);
    if (is_narrower_than_container(values)) read = clipped(name, read, values);
    const std::string stored = additions_.tensor(name + "_quantized");
    const std::string real = is_single ? result : additions_.tensor(name + "_dequantized_single");
    const std::vector<std::string> constants = quantizer_constants(name, values);
    additions_.node("QuantizeLinear", name + "_QuantizeLinear", {read, constants[0], constants[1]}, stored,
                    {{"axis", values.axis}});
    additions_.node("DequantizeLinear", name + "_DequantizeLinear", {stored, constants[0], constants[1]},
                    real, {{"axis", values.axis}});
    if (!is_single) add_cast(real, result, type_of(name));
  }

  // `name`, or what its clamp reads where quantizing clamps as much.
  std::string without_clamp(const std::string& name, const TensorParameters& values) const {
    const auto producer = index_.producer(name);
    const bool is_written = quantized_output(name) != nullptr;
    if (!producer || is_written || index_.consumers(name).size() > 1 || values.axis) return name;
    const auto clamp = clamp_of(graph_, graph_.nodes[*producer]);
    if (!clamp || is_relu(*clamp)) return name;
    const ElementQuantizer quantizer = channel_quantizers({}, values, compatibility_).quantizers.front();
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
    const auto bounds = [&](std::int64_t q) {
      std::vector<float> reals;
      for (std::size_t i = 0; i < values.scale.size(); ++i)
        reals.push_back(static_cast<float>(values.scale[i]) * static_cast<float>(q - values.zero_point[i]));
      return reals;
    };
    std::string result = additions_.tensor(name + "_clipped");
    if (!values.axis) {
      additions_.node("Clip", name + "_Clip",
                      {read, additions_.reals(name + "_lowest", bounds(values.qmin), false),
                       additions_.reals(name + "_highest", bounds(values.qmax), false)},
                      result);
      return result;
    }
    // Clip knows no bounds a channel.
    const Shape along_axis = channel_shape(name, values);
    const std::string above = additions_.tensor(name + "_above");
    const std::string lowest =
        additions_.constant(name + "_lowest", make_constant(along_axis, bounds(values.qmin)));
    const std::string highest =
        additions_.constant(name + "_highest", make_constant(along_axis, bounds(values.qmax)));
    additions_.node("Max", name + "_Max", {read, lowest}, above);
    additions_.node("Min", name + "_Min", {above, highest}, result);
    return result;
  }

  // That lays one number a channel along the tensor's axis.
  Shape channel_shape(const std::string& name, const TensorParameters& values) const {
    const auto shape = graph_.info(name).shape;
    if (!shape)
      throw InputError(graph_.file + ": tensor " + in_quotes(name) +
                       ": its rank must be known to clip its channels");
    Shape result(shape->size() - static_cast<std::size_t>(*values.axis), 1);
    result.front() = static_cast<std::int64_t>(values.scale.size());
    return result;
  }

  std::string parameter(const PlannedTensor& tensor, const Node& node, const std::string& input) {
    const Constant& values = *graph_.constant(input);
    if (is_cast(tensor.settings.datatype.value)) {
      const std::string stored = additions_.tensor(tensor.name + "_cast");
      std::string result = additions_.tensor(tensor.name + "_float");
      add_cast(input, stored, stored_type(tensor.settings.datatype.value));
      add_cast(stored, result, type_of(input));
      return result;
    }
    const TensorParameters& found = parameters(tensor);
    IntegerParameter integers = integer_parameter(values, found, compatibility_);
    if (tensor.bias_factors && integers.type != ElementType::int32) {
      if (auto wide = rescaled_bias(integers, product(*tensor.bias_factors))) integers = std::move(*wide);
    }
    const bool several = integers.scale.size() > 1;
    const Shape channels = several ? Shape{static_cast<std::int64_t>(integers.scale.size())} : Shape{};
    std::vector<std::string> inputs{
        additions_.packed_integers(tensor.name + "_quantized", values.shape, integers.values, integers.type),
        additions_.reals(tensor.name + "_scale", integers.scale, several)};
    if (integers.type != ElementType::int32)  // whose zero point is 0, which need not be said
      inputs.push_back(
          additions_.integers(tensor.name + "_zero_point", channels, integers.zero_point, integers.type));
    std::string result = additions_.tensor(tensor.name + "_dequantized");
    std::map<std::string, std::optional<std::int64_t>> attributes;
    if (several) attributes["axis"] = found.axis ? found.axis.value() : tensor.channel_axis.value();
    const bool is_single = type_of(node.input(0)) == ElementType::float32;
    const std::string real = is_single ? result : additions_.tensor(tensor.name + "_single");
    additions_.node("DequantizeLinear", tensor.name + "_DequantizeLinear", inputs, real, attributes);
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
    return {additions_.reals(name + "_scale", scale, values.axis.has_value()),
            additions_.integers(name + "_zero_point", shape, values.zero_point, container(values))};
  }

  void add_cast(const std::string& input, const std::string& output, ElementType type) {
    additions_.node("Cast", output + "_Cast", {input}, output, {{"to", static_cast<std::int64_t>(type)}});
  }

  const Graph& graph_;
  Graph result_;
  const GraphIndex index_;
  GraphAdditions additions_;
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
