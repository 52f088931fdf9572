// A network as the engine sees it: nodes in topological order, tensors by name, constants as plain numbers.
//
// Nothing here knows protobuf. Constants hold real numbers as float32 and integers as int64 whatever their
// type in the file (but for integers that are only written), and are shared, so that a Graph is cheap to copy
// and a transform can be a function Graph -> Graph.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace qcal {

using Shape = std::vector<std::int64_t>;  // -1: a dimension that is not known before run time

// Numbers are those of onnx.TensorProto.DataType; types that are not named here keep their number.
enum class ElementType : int {
  unknown = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  bfloat16 = 16,
};

// float32, float16, bfloat16 or float64: what a quantizer can apply to.
bool is_real(ElementType type);
// Integers of 8 to 64 bits and booleans.
bool is_integral(ElementType type);

// Quantized weights, which nobody computes with: the bytes of the constant's type, as the file will hold
// them.
struct PackedIntegers {
  std::string bytes;
  bool operator==(const PackedIntegers&) const = default;
};

// An initializer, a Constant node's value, or a tensor attribute.
struct Constant {
  ElementType type = ElementType::unknown;  // as in the file
  Shape shape;
  // Real types as float32, integral types as int64 or packed; empty where it is neither (strings, 4- and
  // 8-bit floats).
  std::variant<std::monostate, std::vector<float>, std::vector<std::int64_t>, PackedIntegers> values;

  const std::vector<float>* reals() const { return std::get_if<std::vector<float>>(&values); }
  const std::vector<std::int64_t>* integers() const {
    return std::get_if<std::vector<std::int64_t>>(&values);
  }
  const PackedIntegers* packed() const { return std::get_if<PackedIntegers>(&values); }
};
using ConstantPointer = std::shared_ptr<const Constant>;

ConstantPointer make_constant(Shape shape, std::vector<float> values);
ConstantPointer make_constant(Shape shape, std::vector<std::int64_t> values);

struct Graph;
using Attribute = std::variant<std::monostate, std::int64_t, float, std::string, std::vector<std::int64_t>,
                               std::vector<float>, ConstantPointer, std::shared_ptr<const Graph>>;

struct Node {
  std::string name;         // as in the file; for an unnamed node, the name of its first output
  std::string op_type;      // ONNX operator
  std::string domain;       // "" for the standard operators
  std::string module_path;  // dotted path of the torch module that the node was exported from; "" if unknown
  std::string original_op;  // operator in the file, where normalisation changed it; else ""
  std::vector<std::string> inputs;    // "" for an omitted input
  std::vector<std::string> outputs;   // "" for an unused output
  std::vector<std::string> captured;  // tensors of this graph that the node's subgraphs read
  std::map<std::string, Attribute, std::less<>> attributes;

  // True for the standard operator `op`.
  bool is(std::string_view op) const { return domain.empty() && op_type == op; }
  // Name of input or output `index`; "" where it is omitted.
  const std::string& input(std::size_t index) const;
  const std::string& output(std::size_t index) const;
  // The attribute's value, or `otherwise` where it is absent or of another type.
  std::int64_t integer(std::string_view attribute, std::int64_t otherwise) const;
  float real(std::string_view attribute, float otherwise) const;
  std::string text(std::string_view attribute, std::string_view otherwise) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view attribute) const;
};

// What is known of a tensor without running the network.
struct TensorInfo {
  ElementType type = ElementType::unknown;
  std::optional<Shape> shape;  // absent: the rank is unknown
};

// Something that happened on the way from the file to the graph and that a user must know.
struct GraphNote {
  std::string subject;  // node or tensor
  std::string text;
};

// A change of the network that a switch of the configuration asks for, once it is made.
struct AppliedTransform {
  std::string key;                   // the switch: "include_cle"
  std::vector<std::string> details;  // what it did, a line each, for people
};

struct Graph {
  std::string file;                 // where it was read from, for messages
  std::int64_t opset = 0;           // of the standard operators
  std::vector<std::string> inputs;  // initializers that are also listed as inputs are constants, not inputs
  std::vector<std::string> outputs;
  std::vector<Node> nodes;  // topological order, the file's where that is one
  std::map<std::string, ConstantPointer, std::less<>> constants;
  std::map<std::string, TensorInfo, std::less<>> tensors;  // declared or inferred
  std::vector<GraphNote> notes;
  std::vector<AppliedTransform> transforms;

  // The constant of that name, or nullptr.
  const Constant* constant(std::string_view name) const;
  // What is known of tensor `name`; everything unknown if nothing is.
  TensorInfo info(std::string_view name) const;
  // The transform of that switch, or nullptr where it was not made.
  const AppliedTransform* transform(std::string_view key) const;
};

}  // namespace qcal
