#include "engine/graph/onnx_writer.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/dumps/in_quotes.h"
#include "engine/error.h"
#include "engine/graph/onnx_metadata.h"
#include "engine/graph/packed_integers.h"

namespace qcal {
namespace {

constexpr std::int64_t first_ir_with_plain_initializers = 4;  // before, each had to be a graph input too

onnx::TensorProto new_tensor(const std::string& name, const Constant& constant, const std::string& file) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(static_cast<int>(constant.type));
  for (const std::int64_t extent : constant.shape) tensor.add_dims(extent);
  if (constant.packed()) {
    tensor.set_raw_data(constant.packed()->bytes);
  } else if (constant.integers()) {
    tensor.set_raw_data(packed(constant.type, *constant.integers()).bytes);
  } else if (constant.reals() && constant.type == ElementType::float32) {
    tensor.set_raw_data(constant.reals()->data(), constant.reals()->size() * sizeof(float));
  } else {
    throw InputError(
        fmt::format("{}: tensor {}: its type cannot be written; only float32 networks with their "
                    "weights in the file are",
                    file, in_quotes(name)));
  }
  return tensor;
}

// What a transform combined in float32 does not fit an operator that computes in another type.
void check_types(const Graph& as_read, const Graph& graph) {
  for (const Node& node : graph.nodes) {
    const ElementType computes = graph.info(node.input(0)).type;
    if (computes == ElementType::float32 || !is_real(computes) || node.is("Cast")) continue;
    for (const std::string& input : node.inputs) {
      const auto found = graph.constants.find(input);
      if (found == graph.constants.end() || found->second->type != ElementType::float32) continue;
      const auto before = as_read.constants.find(input);
      if (before != as_read.constants.end() && before->second == found->second) continue;
      throw InputError(
          fmt::format("{}: node {} does not compute in float32, and its parameter {} was changed: "
                      "only float32 networks can be written",
                      graph.file, in_quotes(node.name), in_quotes(input)));
    }
  }
}

using NodesByName = std::unordered_multimap<std::string, const onnx::NodeProto*>;

// Nodes of the graph and of its subgraphs, from which nodes may have been taken.
void collect_nodes(const onnx::GraphProto& graph, NodesByName& nodes) {
  for (const onnx::NodeProto& node : graph.node()) {
    const bool unnamed = node.name().empty() && node.output_size() > 0;
    nodes.emplace(unnamed ? node.output(0) : node.name(), &node);
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) collect_nodes(attribute.g(), nodes);
    }
  }
}

// The node that `node` was read from, or nullptr for one that a transform made.
const onnx::NodeProto* original_of(const Node& node, const NodesByName& nodes) {
  const std::string& op = node.original_op.empty() ? node.op_type : node.original_op;
  const onnx::NodeProto* match = nullptr;
  const auto [begin, end] = nodes.equal_range(node.name);
  for (auto found = begin; found != end; ++found) {
    const onnx::NodeProto& proto = *found->second;
    if (proto.op_type() != op && proto.op_type() != node.op_type) continue;
    if (proto.output_size() > 0 && proto.output(0) == node.output(0)) return &proto;
    if (!match) match = &proto;
  }
  return match;
}

// Sets the attribute where its value is of a simple kind; tensors and graphs are never made by transforms.
bool set_attribute(onnx::AttributeProto& proto, const Attribute& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    proto.set_type(onnx::AttributeProto::INT);
    proto.set_i(*integer);
  } else if (const auto* real = std::get_if<float>(&value)) {
    proto.set_type(onnx::AttributeProto::FLOAT);
    proto.set_f(*real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    proto.set_type(onnx::AttributeProto::STRING);
    proto.set_s(*text);
  } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value)) {
    proto.set_type(onnx::AttributeProto::INTS);
    *proto.mutable_ints() = {integers->begin(), integers->end()};
  } else if (const auto* reals = std::get_if<std::vector<float>>(&value)) {
    proto.set_type(onnx::AttributeProto::FLOATS);
    *proto.mutable_floats() = {reals->begin(), reals->end()};
  } else {
    return false;
  }
  return true;
}

// What the file says of the node, where it still holds; then what a transform added.
void write_attributes(onnx::NodeProto& proto, const Node& node) {
  onnx::NodeProto written;
  std::set<std::string_view> kept;
  for (const onnx::AttributeProto& original : proto.attribute()) {
    const auto value = node.attributes.find(original.name());
    if (value == node.attributes.end()) continue;
    onnx::AttributeProto& attribute = *written.add_attribute();
    attribute = original;
    set_attribute(attribute, value->second);
    kept.insert(value->first);
  }
  for (const auto& [name, value] : node.attributes) {
    onnx::AttributeProto attribute;
    if (kept.contains(name) || !set_attribute(attribute, value)) continue;
    attribute.set_name(name);
    *written.add_attribute() = std::move(attribute);
  }
  proto.mutable_attribute()->Swap(written.mutable_attribute());
}

onnx::NodeProto node_proto(const Node& node, const NodesByName& originals) {
  const onnx::NodeProto* original = original_of(node, originals);
  onnx::NodeProto result;
  if (original) result = *original;
  // A node without a name in the file is left without.
  if (!original || !original->name().empty()) result.set_name(node.name);
  result.set_op_type(node.op_type);
  *result.mutable_input() = {node.inputs.begin(), node.inputs.end()};
  *result.mutable_output() = {node.outputs.begin(), node.outputs.end()};
  write_attributes(result, node);
  return result;
}

// Tensors of the file by name, wherever they stand: initializers, which are moved out, and the values of
// Constant nodes.
std::unordered_map<std::string, onnx::TensorProto> take_tensors(onnx::GraphProto& graph) {
  std::unordered_map<std::string, onnx::TensorProto> tensors;
  for (onnx::TensorProto& tensor : *graph.mutable_initializer()) {
    const std::string name = tensor.name();
    tensors.emplace(name, std::move(tensor));
  }
  graph.clear_initializer();
  for (const onnx::NodeProto& node : graph.node()) {
    if (node.op_type() != "Constant" || node.output_size() != 1) continue;
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (!attribute.has_t()) continue;
      onnx::TensorProto tensor = attribute.t();
      tensor.set_name(node.output(0));
      tensors.emplace(node.output(0), std::move(tensor));
    }
  }
  return tensors;
}

void write_constants(onnx::GraphProto& proto, const Graph& as_read, const Graph& graph) {
  std::set<std::string> sparse;
  for (const auto& tensor : proto.sparse_initializer()) sparse.insert(tensor.values().name());
  std::vector<std::string> order;  // the file's, then what is new
  for (const onnx::TensorProto& tensor : proto.initializer()) order.push_back(tensor.name());
  for (const auto& [name, constant] : graph.constants) order.push_back(name);
  auto tensors = take_tensors(proto);
  std::set<std::string> written;
  for (const std::string& name : order) {
    const auto constant = graph.constants.find(name);
    if (constant == graph.constants.end() || sparse.contains(name) || !written.insert(name).second) continue;
    const auto before = as_read.constants.find(name);
    const auto tensor = tensors.find(name);
    const bool untouched = before != as_read.constants.end() && before->second == constant->second &&
                           tensor != tensors.end() &&
                           tensor->second.data_location() != onnx::TensorProto::EXTERNAL;
    *proto.add_initializer() =
        untouched ? std::move(tensor->second) : new_tensor(name, *constant->second, graph.file);
  }
}

template <class Entries, class Keep>
void keep_only(Entries& entries, Keep keep) {
  Entries kept;
  for (auto& entry : entries) {
    if (keep(entry)) *kept.Add() = std::move(entry);
  }
  entries = std::move(kept);
}

void write_graph(onnx::GraphProto& proto, const Graph& as_read, const Graph& graph) {
  write_constants(proto, as_read, graph);
  std::set<std::string> made;
  onnx::GraphProto nodes;
  NodesByName originals;
  collect_nodes(proto, originals);
  for (const Node& node : graph.nodes) {
    *nodes.add_node() = node_proto(node, originals);
    made.insert(node.outputs.begin(), node.outputs.end());
  }
  proto.mutable_node()->Swap(nodes.mutable_node());
  const std::set<std::string> inputs(graph.inputs.begin(), graph.inputs.end());
  keep_only(*proto.mutable_input(), [&](const onnx::ValueInfoProto& value) {
    return inputs.contains(value.name()) || graph.constants.contains(value.name());
  });
  keep_only(*proto.mutable_value_info(),
            [&](const onnx::ValueInfoProto& value) { return made.contains(value.name()); });
  keep_only(*proto.mutable_sparse_initializer(), [&](const onnx::SparseTensorProto& tensor) {
    return graph.constants.contains(tensor.values().name());
  });
}

// A graph that was raised to a later opset needs an IR version that knows it.
void write_opset(onnx::ModelProto& model, const Graph& as_read, const Graph& graph) {
  if (graph.opset == as_read.opset) return;
  for (onnx::OperatorSetIdProto& import : *model.mutable_opset_import()) {
    if (import.domain().empty() || import.domain() == "ai.onnx") import.set_version(graph.opset);
  }
  constexpr std::int64_t ir_of_opset_13 = 7;
  constexpr std::int64_t ir_of_opset_21 = 10;
  const std::int64_t needed = graph.opset >= 21 ? ir_of_opset_21 : ir_of_opset_13;
  model.set_ir_version(std::max(model.ir_version(), needed));
}

void write_transforms(onnx::ModelProto& model, const Graph& graph) {
  keep_only(*model.mutable_metadata_props(), [](const onnx::StringStringEntryProto& entry) {
    return !std::string_view(entry.key()).starts_with(transform_metadata);
  });
  for (const AppliedTransform& transform : graph.transforms) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(std::string(transform_metadata) + transform.key);
    std::string& lines = *entry.mutable_value();
    for (const std::string& detail : transform.details) lines += (lines.empty() ? "" : "\n") + detail;
  }
}

// Moves tensors that are worth it out of the model, each to the start of a page, so that it can be mapped.
std::string move_to_data_file(onnx::ModelProto& model, const std::string& name) {
  constexpr std::size_t least_bytes = 1024;
  constexpr std::size_t page = 4096;
  std::string data;
  for (onnx::TensorProto& tensor : *model.mutable_graph()->mutable_initializer()) {
    if (tensor.raw_data().size() < least_bytes) continue;
    data.resize((data.size() + page - 1) / page * page);
    const auto say = [&](const char* key, const std::string& value) {
      onnx::StringStringEntryProto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    };
    say("location", name);
    say("offset", std::to_string(data.size()));
    say("length", std::to_string(tensor.raw_data().size()));
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    data += tensor.raw_data();
    tensor.clear_raw_data();
  }
  return data;
}

std::string serialized(const onnx::ModelProto& model, const std::string& file) {
  if (model.ByteSizeLong() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw InputError(file +
                     ": with its weights inside, the model exceeds the 2 GiB that an ONNX file can hold");
  }
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    model.SerializeToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace

OnnxFiles write_onnx(const std::filesystem::path& model, const Graph& as_read, const Graph& graph,
                     const std::optional<DataFile>& data_file) {
  check_types(as_read, graph);
  onnx::ModelProto proto;
  std::ifstream in(model, std::ios::binary);
  if (!in || !proto.ParseFromIstream(&in)) {
    throw InputError(model.string() + ": not an ONNX model, or truncated: its protobuf cannot be read");
  }
  write_graph(*proto.mutable_graph(), as_read, graph);
  write_opset(proto, as_read, graph);
  write_transforms(proto, graph);
  if (proto.ir_version() < first_ir_with_plain_initializers)
    proto.set_ir_version(first_ir_with_plain_initializers);
  OnnxFiles files;
  if (data_file && proto.ByteSizeLong() > data_file->limit)
    files.data = move_to_data_file(proto, data_file->name);
  files.model = serialized(proto, model.string());
  return files;
}

}  // namespace qcal
