#include "engine/export/integer_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "engine/graph/graph_index.h"
#include "engine/transform/clamp.h"

namespace qcal {
namespace {

struct IntegerOperator {
  std::string_view type;
  std::string_view kernel;
  std::string_view kernel_to_float = {};  // where the result stays in float
};

constexpr IntegerOperator integer_operators[] = {
    {"Add", "QLinearAdd"},
    {"AveragePool", "QLinearAveragePool"},
    {"Concat", "QLinearConcat"},
    {"Conv", "QLinearConv"},
    {"Gemm", "QGemm", "QGemm"},
    {"GlobalAveragePool", "QLinearGlobalAveragePool"},
    {"LeakyRelu", "QLinearLeakyRelu"},
    {"MatMul", "QLinearMatMul", "MatMulIntegerToFloat"},
    {"Mul", "QLinearMul"},
    {"Sigmoid", "QLinearSigmoid"},
    {"Softmax", "QLinearSoftmax"},
};

// They move values, or make other things than values.
constexpr std::string_view movers[] = {
    "Cast",    "Constant", "ConstantOfShape", "DepthToSpace", "DequantizeLinear",
    "Dropout", "Expand",   "Flatten",         "Gather",       "Identity",
    "MaxPool", "Pad",      "QuantizeLinear",  "Range",        "Reshape",
    "Resize",  "Shape",    "Slice",           "SpaceToDepth", "Split",
    "Squeeze", "Tile",     "Transpose",       "Unsqueeze",    "Upsample",
};

// Quantizers move to the other side of them.
constexpr std::string_view passable[] = {"MaxPool", "Reshape", "Squeeze", "Transpose", "Unsqueeze"};

bool is_8_bit(ElementType type) {
  return type == ElementType::int8 || type == ElementType::uint8;
}

bool has_weights(const Node& node) {
  return node.is("Conv") || node.is("Gemm") || node.is("MatMul");
}

bool only_moves(const Node& node) {
  return std::ranges::find(movers, node.op_type) != std::end(movers);
}

const IntegerOperator* integer_operator(const Node& node) {
  const auto* found = std::ranges::find(integer_operators, node.op_type, &IntegerOperator::type);
  return node.domain.empty() && found != std::end(integer_operators) ? found : nullptr;
}

constexpr const char* int8_problem =
    "its input is int8, which several nodes read: onnxruntime has no such kernel on x86; \"signed\": false "
    "helps";

std::string types_differ(const char* what) {
  return fmt::format(
      "{} are int8 and uint8 (on x86 onnxruntime makes int8 that one node alone reads uint8); "
      "\"signed\": false for all makes them the same",
      what);
}

class KernelFinder {
 public:
  explicit KernelFinder(const Graph& graph) : graph_(graph), index_(graph) {}

  std::vector<NodeKernel> find() const {
    std::vector<NodeKernel> kernels;
    for (const Node& node : graph_.nodes) {
      if (only_moves(node) || is_taken_over(node)) continue;
      NodeKernel& found = kernels.emplace_back(NodeKernel{node.name, node.op_type, "", ""});
      const IntegerOperator* operation = integer_operator(node);
      if (operation == nullptr) {
        found.reason = "onnxruntime has no integer kernel for it";
        continue;
      }
      found.reason = input_problem(node);
      if (!found.reason.empty()) continue;
      found.reason = output_problem(node);
      if (found.reason.empty()) {
        found.kernel = operation->kernel;
      } else if (can_end_in_float(node)) {
        found.kernel = operation->kernel_to_float;
        found.reason.clear();
      }
    }
    return kernels;
  }

 private:
  // What onnxruntime makes of an activation's type on x86: int8 that one node alone reads becomes uint8.
  ElementType used_type(const Node& dequantizer) const {
    const ElementType type = stored_type(dequantizer);
    const std::string& result = dequantizer.output(0);
    const bool is_read_once = index_.consumers(result).size() + (index_.is_output(result) ? 1 : 0) == 1;
    return type == ElementType::int8 && is_read_once ? ElementType::uint8 : type;
  }

  bool can_end_in_float(const Node& node) const {
    const bool has_integer_bias = node.input(2).empty() || dequantizer_of(node.input(2)) != nullptr;
    return node.is("MatMul") || (node.is("Gemm") && has_integer_bias);
  }

  // Type of a quantizer's integers.
  ElementType stored_type(const Node& quantizer) const {
    const Constant* zero_point = graph_.constant(quantizer.input(2));
    if (zero_point != nullptr) return zero_point->type;
    const Constant* stored = graph_.constant(quantizer.input(0));
    return stored == nullptr ? ElementType::unknown : stored->type;
  }

  const Node* dequantizer_of(const std::string& tensor) const {
    const auto producer = index_.producer(tensor);
    if (!producer || !graph_.nodes[*producer].is("DequantizeLinear")) return nullptr;
    return &graph_.nodes[*producer];
  }

  std::vector<float> scales(const Node& quantizer) const {
    const Constant* scale = graph_.constant(quantizer.input(1));
    return scale == nullptr || scale->reals() == nullptr ? std::vector<float>{} : *scale->reals();
  }

  std::string input_problem(const Node& node) const {
    const std::size_t data = has_weights(node) ? 2 : node.inputs.size();
    std::optional<ElementType> first;
    for (std::size_t i = 0; i < data; ++i) {
      const bool is_parameter = has_weights(node) && i == 1;
      const char* what = is_parameter ? "weights" : "input";
      const Node* dequantizer = dequantizer_of(node.input(i));
      if (dequantizer == nullptr) return fmt::format("its {} stays in float", what);
      const ElementType type = stored_type(*dequantizer);
      if (!is_8_bit(type)) return fmt::format("its {} has more than 8 bits", what);
      if (is_parameter) continue;
      if (scales(*dequantizer).size() > 1) return "its input has a scale a channel";
      const ElementType used = used_type(*dequantizer);
      if (first.value_or(used) != used) return types_differ("its inputs");
      first = used;
    }
    return has_weights(node) ? bias_problem(node) : "";
  }

  // A bias must have the scale input x weights, or be in float.
  std::string bias_problem(const Node& node) const {
    const Node* bias = dequantizer_of(node.input(2));
    if (bias == nullptr) return "";
    const std::vector<float> own = scales(*bias);
    const std::vector<float> weights = scales(*dequantizer_of(node.input(1)));
    const std::vector<float> input = scales(*dequantizer_of(node.input(0)));
    bool is_product =
        stored_type(*bias) == ElementType::int32 && own.size() == weights.size() && input.size() == 1;
    for (std::size_t i = 0; is_product && i < own.size(); ++i) is_product = own[i] == input[0] * weights[i];
    return is_product ? ""
                      : "its bias has a scale of its own; \"bit_width\" 32 gives it that of input x weights";
  }

  std::string output_problem(const Node& node) const {
    std::string tensor = node.output(0);
    std::vector<const Node*> clamps;
    while (true) {
      if (index_.is_output(tensor)) return "the network hands out its result in float";
      const std::vector<const Node*> readers = readers_of(tensor);
      if (readers.empty()) return "nothing reads its result";
      const Node& next = *readers.front();
      if (readers.size() > 1) {
        const auto in_float =
            std::ranges::find_if(readers, [](const Node* reader) { return !reader->is("QuantizeLinear"); });
        if (in_float == readers.end()) return "its result has several quantizers";
        return fmt::format("{} reads its result in float", (*in_float)->op_type);
      }
      if (next.is("QuantizeLinear")) return quantizer_problem(node, clamps, next);
      if (clamp_of(graph_, next)) {
        clamps.push_back(&next);
      } else if (std::ranges::find(passable, next.op_type) == std::end(passable)) {
        return fmt::format("{} reads its result in float", next.op_type);
      }
      tensor = next.output(0);
    }
  }

  // Shapes are known before anything runs.
  std::vector<const Node*> readers_of(const std::string& tensor) const {
    std::vector<const Node*> readers;
    for (const std::size_t reader : index_.consumers(tensor)) {
      if (!graph_.nodes[reader].is("Shape")) readers.push_back(&graph_.nodes[reader]);
    }
    return readers;
  }

  std::string quantizer_problem(const Node& node, const std::vector<const Node*>& clamps,
                                const Node& quantizer) const {
    const ElementType type = stored_type(quantizer);
    if (!is_8_bit(type)) return "its result has more than 8 bits";
    if (scales(quantizer).size() > 1) return "its result has a scale a channel";
    for (const Node* clamp : clamps) {
      if (!quantizer_clamps(*clamp, quantizer))
        return fmt::format("{} stands before its quantizer, which reaches further", clamp->op_type);
    }
    const auto dequantizer = index_.sole_consumer(quantizer.output(0));
    const ElementType result = dequantizer ? used_type(graph_.nodes[*dequantizer]) : type;
    const ElementType input = used_type(*dequantizer_of(node.input(0)));
    if (result != input) return types_differ("its input and its result");
    const bool takes_int8 = !node.is("Conv") && !node.is("MatMul");
    return input == ElementType::uint8 || takes_int8 ? "" : int8_problem;
  }

  // Whether the quantizer's integers end where the clamp does, or earlier.
  bool quantizer_clamps(const Node& node, const Node& quantizer) const {
    const Clamp clamp = *clamp_of(graph_, node);
    if (clamp.lower.size() != 1 || clamp.upper.size() != 1 || scales(quantizer).size() != 1) return false;
    const Constant* zero_point = graph_.constant(quantizer.input(2));
    if (zero_point == nullptr || zero_point->integers() == nullptr) return false;
    const bool is_signed = zero_point->type == ElementType::int8;
    const std::int64_t origin = zero_point->integers()->front();
    const float lowest = scales(quantizer)[0] * static_cast<float>((is_signed ? -128 : 0) - origin);
    const float highest = scales(quantizer)[0] * static_cast<float>((is_signed ? 127 : 255) - origin);
    return clamp.lower[0] <= lowest && highest <= clamp.upper[0];
  }

  // Relu and Clip that vanish in the quantizer behind them.
  bool is_taken_over(const Node& node) const {
    if (!clamp_of(graph_, node)) return false;
    const auto reader = index_.sole_consumer(node.output(0));
    return reader && graph_.nodes[*reader].is("QuantizeLinear") &&
           quantizer_clamps(node, graph_.nodes[*reader]);
  }

  const Graph& graph_;
  const GraphIndex index_;
};

}  // namespace

std::vector<NodeKernel> integer_kernels(const Graph& quantized) {
  return KernelFinder(quantized).find();
}

}  // namespace qcal
