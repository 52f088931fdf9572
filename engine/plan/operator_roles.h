// What each ONNX operator means to quantization: the table that groups are formed by.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "engine/graph/graph.h"

namespace qcal {

enum class OperatorRole {
  quantized,   // heads a group: its result gets a quantizer
  activation,  // computes; joins the group before it
  shape,  // only moves elements; joins the group before it, and what is quantized stays quantized through it
};

// An input that is a parameter when it is a constant.
struct ParameterSlot {
  std::size_t input;
  Role role;
};

enum class DataInputs { first, all };  // which inputs carry data that must be quantized when the operator is

struct OperatorEntry {
  std::string_view op;
  OperatorRole role;
  DataInputs data;
  std::vector<ParameterSlot> parameters;
  std::string_view reason;
};

// The entry for `node`'s operator, or nullptr: it stays in float.
const OperatorEntry* find_operator(const Node& node);

// False for integers and strings: sizes, indices, masks. A type that is not known counts as real.
bool carries_reals(const Graph& graph, const std::string& tensor);

// The inputs of `node` (an operator with entry `entry`) that carry data: real, not constant, not omitted.
std::vector<std::string> data_inputs(const Graph& graph, const Node& node, const OperatorEntry& entry);

}  // namespace qcal
