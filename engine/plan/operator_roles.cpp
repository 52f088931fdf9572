#include "engine/plan/operator_roles.h"

#include <map>
#include <string>

namespace qcal {
namespace {

using enum OperatorRole;

const std::vector<ParameterSlot> weights_and_bias{{1, Role::weights}, {2, Role::bias}};
const std::vector<ParameterSlot> weights_only{{1, Role::weights}};

// The types are those that vai_q_pytorch's quantizer knows, in ONNX's spelling.
const std::vector<OperatorEntry> table{
    {"Conv", quantized, DataInputs::all, weights_and_bias, "integer multiply-accumulate"},
    {"ConvTranspose", quantized, DataInputs::all, weights_and_bias, "integer multiply-accumulate"},
    {"Gemm", quantized, DataInputs::all, weights_and_bias, "integer multiply-accumulate"},
    {"MatMul", quantized, DataInputs::all, weights_and_bias, "integer multiply-accumulate"},

    {"BatchNormalization", quantized, DataInputs::first, weights_and_bias,
     "a norm that no layer could absorb"},
    {"InstanceNormalization", quantized, DataInputs::first, weights_and_bias, "a norm of its own"},
    {"LayerNormalization", quantized, DataInputs::first, weights_and_bias, "a norm of its own"},
    {"GroupNormalization", quantized, DataInputs::first, weights_and_bias, "a norm of its own"},

    {"Add", quantized, DataInputs::all, {}, "sums need a scale of their own"},
    {"Sub", quantized, DataInputs::all, {}, "sums need a scale of their own"},
    {"Mul", quantized, DataInputs::all, {}, "products need a scale of their own"},
    {"Div", quantized, DataInputs::all, {}, "products need a scale of their own"},
    {"Sum", quantized, DataInputs::all, {}, "sums need a scale of their own"},
    {"Mean", quantized, DataInputs::all, {}, "sums need a scale of their own"},
    {"Max", quantized, DataInputs::all, {}, "inputs of different scales meet"},
    {"Min", quantized, DataInputs::all, {}, "inputs of different scales meet"},
    {"Concat", quantized, DataInputs::all, {}, "inputs of different scales meet"},

    {"MaxPool", quantized, DataInputs::first, {}, "pools are integer operators on the DPU"},
    {"AveragePool", quantized, DataInputs::first, {}, "pools are integer operators on the DPU"},
    {"GlobalAveragePool", quantized, DataInputs::first, {}, "pools are integer operators on the DPU"},
    {"GlobalMaxPool", quantized, DataInputs::first, {}, "pools are integer operators on the DPU"},
    {"ReduceMean", quantized, DataInputs::first, {}, "a mean over some axes"},
    {"ReduceSum", quantized, DataInputs::first, {}, "a sum over some axes"},
    {"ReduceMax", quantized, DataInputs::first, {}, "a maximum over some axes"},
    {"ReduceMin", quantized, DataInputs::first, {}, "a minimum over some axes"},

    {"Resize", quantized, DataInputs::first, {}, "interpolation makes new values"},
    {"Pad", quantized, DataInputs::first, {}, "padding brings a value of its own"},

    {"Softmax", quantized, DataInputs::first, {}, "a new range"},
    {"HardSwish", quantized, DataInputs::first, {}, "a new range"},
    {"HardSigmoid", quantized, DataInputs::first, {}, "a new range"},
    {"PRelu", quantized, DataInputs::first, weights_only, "its slopes are parameters"},
    {"Gelu", quantized, DataInputs::first, {}, "a new range"},
    {"Mish", quantized, DataInputs::first, {}, "a new range"},
    {"Sqrt", quantized, DataInputs::first, {}, "a new range"},

    {"Relu", activation, DataInputs::first, {}, "clamps what the group computes"},
    {"Clip", activation, DataInputs::first, {}, "clamps what the group computes (ReLU6, Hardtanh)"},
    {"LeakyRelu", activation, DataInputs::first, {}, "fixed slope, fused by integer kernels"},

    {"Identity", shape, DataInputs::first, {}, "nothing moves"},
    {"Dropout", shape, DataInputs::first, {}, "nothing moves at inference"},
    {"Cast", shape, DataInputs::first, {}, "between real types; the quantized value is the same"},
    {"CastLike", shape, DataInputs::first, {}, "between real types; the quantized value is the same"},
    {"Flatten", shape, DataInputs::first, {}, "elements keep their values"},
    {"Reshape", shape, DataInputs::first, {}, "elements keep their values"},
    {"Squeeze", shape, DataInputs::first, {}, "elements keep their values"},
    {"Unsqueeze", shape, DataInputs::first, {}, "elements keep their values"},
    {"Transpose", shape, DataInputs::first, {}, "elements keep their values"},
    {"DepthToSpace", shape, DataInputs::first, {}, "elements keep their values (PixelShuffle)"},
    {"SpaceToDepth", shape, DataInputs::first, {}, "elements keep their values"},
    {"Slice", shape, DataInputs::first, {}, "a selection of the elements"},
    {"Split", shape, DataInputs::first, {}, "a selection of the elements"},
    {"Gather", shape, DataInputs::first, {}, "a selection of the elements"},
    {"Expand", shape, DataInputs::first, {}, "elements are repeated"},
    {"Tile", shape, DataInputs::first, {}, "elements are repeated"},
};

}  // namespace

const OperatorEntry* find_operator(const Node& node) {
  static const std::map<std::string_view, const OperatorEntry*> by_name = [] {
    std::map<std::string_view, const OperatorEntry*> entries;
    for (const OperatorEntry& entry : table) entries.emplace(entry.op, &entry);
    return entries;
  }();
  if (!node.domain.empty()) return nullptr;
  const auto found = by_name.find(node.op_type);
  return found == by_name.end() ? nullptr : found->second;
}

std::vector<std::string> data_inputs(const Graph& graph, const Node& node, const OperatorEntry& entry) {
  std::vector<std::string> inputs;
  const std::size_t count = entry.data == DataInputs::all ? node.inputs.size() : std::size_t{1};
  for (std::size_t i = 0; i < count && i < node.inputs.size(); ++i) {
    const std::string& input = node.inputs[i];
    if (!input.empty() && !graph.constant(input) && carries_reals(graph, input)) inputs.push_back(input);
  }
  return inputs;
}

bool carries_reals(const Graph& graph, const std::string& tensor) {
  const ElementType type = graph.info(tensor).type;
  return is_real(type) || type == ElementType::unknown;
}

}  // namespace qcal
