#include "engine/graph/onnx_reader.h"

#include <fmt/format.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <limits>
#include <optional>
#include <queue>
#include <set>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/input_file.h"
#include "engine/error.h"
#include "engine/graph/module_paths.h"
#include "engine/graph/onnx_metadata.h"
#include "engine/graph/onnx_tensor.h"

namespace qcal {
namespace {

constexpr std::int64_t oldest_opset = 9;
constexpr std::uint64_t largest_file = std::numeric_limits<std::int32_t>::max();

std::string standard_domain(const std::string& domain) {
  return domain == "ai.onnx" ? std::string() : domain;
}

TensorInfo tensor_info(const onnx::ValueInfoProto& value) {
  TensorInfo info;
  if (!value.type().has_tensor_type()) return info;
  const auto& type = value.type().tensor_type();
  info.type = static_cast<ElementType>(type.elem_type());
  if (!type.has_shape()) return info;
  info.shape.emplace();
  for (const auto& dimension : type.shape().dim()) {
    const bool known = dimension.has_dim_value() && dimension.dim_value() >= 0;
    info.shape->push_back(known ? dimension.dim_value() : -1);
  }
  return info;
}

// Reading consumes the protobuf tensors one by one, so that a model is never in memory twice.
Graph read_graph(onnx::GraphProto& proto, const ModelFile& file, std::int64_t opset);

ConstantPointer take_tensor(onnx::TensorProto& tensor, const ModelFile& file) {
  onnx::TensorProto taken;
  taken.Swap(&tensor);
  return read_tensor(taken, file);
}

Attribute read_attribute(onnx::AttributeProto& attribute, const ModelFile& file, std::int64_t opset) {
  switch (attribute.type()) {
    case onnx::AttributeProto::INT:
      return std::int64_t{attribute.i()};
    case onnx::AttributeProto::FLOAT:
      return attribute.f();
    case onnx::AttributeProto::STRING:
      return attribute.s();
    case onnx::AttributeProto::INTS:
      return std::vector<std::int64_t>(attribute.ints().begin(), attribute.ints().end());
    case onnx::AttributeProto::FLOATS:
      return std::vector<float>(attribute.floats().begin(), attribute.floats().end());
    case onnx::AttributeProto::TENSOR:
      return take_tensor(*attribute.mutable_t(), file);
    case onnx::AttributeProto::GRAPH:
      return std::make_shared<const Graph>(read_graph(*attribute.mutable_g(), file, opset));
    default:
      return std::monostate{};
  }
}

// The exporter's note of the enclosing modules. onnx.proto has had NodeProto.metadata_props (field 9) since
// ONNX 1.16; older generated classes keep it among the unknown fields.
template <class NodeProto>
std::string name_scopes(const NodeProto& node) {
  constexpr std::string_view key = "pkg.torch.onnx.name_scopes";
  if constexpr (requires { node.metadata_props(); }) {
    for (const auto& entry : node.metadata_props()) {
      if (entry.key() == key) return entry.value();
    }
  } else {
    constexpr int metadata_props = 9;
    const auto& fields = node.unknown_fields();
    for (int i = 0; i < fields.field_count(); ++i) {
      const auto& field = fields.field(i);
      if (field.number() != metadata_props) continue;
      if (field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) continue;
      onnx::StringStringEntryProto entry;
      if (entry.ParseFromString(field.length_delimited()) && entry.key() == key) return entry.value();
    }
  }
  return {};
}

std::string module_path(const onnx::NodeProto& proto, const Node& node) {
  if (std::string path = module_path_from_name_scopes(name_scopes(proto)); !path.empty()) return path;
  if (std::string path = module_path_from_node_name(node.name); !path.empty()) return path;
  return module_path_from_parameter(node.input(1));
}

// Names that `graph` reads and does not define: they belong to a graph around it.
std::set<std::string> free_names(const Graph& graph) {
  std::set<std::string> names(graph.outputs.begin(), graph.outputs.end());
  for (const Node& node : graph.nodes) {
    names.insert(node.inputs.begin(), node.inputs.end());
    names.insert(node.captured.begin(), node.captured.end());
  }
  names.erase("");
  for (const Node& node : graph.nodes) {
    for (const std::string& output : node.outputs) names.erase(output);
  }
  for (const std::string& input : graph.inputs) names.erase(input);
  for (const auto& [name, constant] : graph.constants) names.erase(name);
  return names;
}

Node read_node(onnx::NodeProto& proto, const ModelFile& file, std::int64_t opset) {
  Node node;
  node.op_type = proto.op_type();
  node.domain = standard_domain(proto.domain());
  node.inputs.assign(proto.input().begin(), proto.input().end());
  node.outputs.assign(proto.output().begin(), proto.output().end());
  node.name = proto.name().empty() ? node.output(0) : proto.name();
  node.module_path = module_path(proto, node);
  std::set<std::string> captured;
  for (auto& attribute : *proto.mutable_attribute()) {
    Attribute value = read_attribute(attribute, file, opset);
    if (const auto* body = std::get_if<std::shared_ptr<const Graph>>(&value))
      captured.merge(free_names(**body));
    for (auto& body : *attribute.mutable_graphs()) captured.merge(free_names(read_graph(body, file, opset)));
    node.attributes.insert_or_assign(attribute.name(), std::move(value));
  }
  node.captured.assign(captured.begin(), captured.end());
  return node;
}

// The value of a Constant node; nullptr where it has none that a Constant can hold.
ConstantPointer constant_value(const Node& node) {
  const auto value_of = [&]<class Value>(std::string_view name) -> const Value* {
    const auto found = node.attributes.find(name);
    return found == node.attributes.end() ? nullptr : std::get_if<Value>(&found->second);
  };
  if (const auto* tensor = value_of.operator()<ConstantPointer>("value")) return *tensor;
  if (const auto* number = value_of.operator()<float>("value_float")) {
    return make_constant({}, std::vector<float>{*number});
  }
  if (const auto* number = value_of.operator()<std::int64_t>("value_int")) {
    return make_constant({}, std::vector<std::int64_t>{*number});
  }
  if (const auto* numbers = value_of.operator()<std::vector<float>>("value_floats")) {
    return make_constant({std::int64_t(numbers->size())}, *numbers);
  }
  if (const auto* numbers = value_of.operator()<std::vector<std::int64_t>>("value_ints")) {
    return make_constant({std::int64_t(numbers->size())}, *numbers);
  }
  return nullptr;
}

// Topological order; nodes that are free to come next keep the file's order.
std::vector<Node> sorted(std::vector<Node> nodes, const ModelFile& file) {
  std::unordered_map<std::string, std::size_t> producers;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::string& output : nodes[i].outputs) {
      if (!output.empty()) producers.emplace(output, i);
    }
  }
  std::vector<std::vector<std::size_t>> readers(nodes.size());
  std::vector<std::size_t> missing(nodes.size(), 0);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const auto* names : {&nodes[i].inputs, &nodes[i].captured}) {
      for (const std::string& name : *names) {
        const auto producer = producers.find(name);
        if (producer == producers.end()) continue;
        readers[producer->second].push_back(i);
        ++missing[i];
      }
    }
  }
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (missing[i] == 0) ready.push(i);
  }
  std::vector<Node> ordered;
  ordered.reserve(nodes.size());
  while (!ready.empty()) {
    const std::size_t next = ready.top();
    ready.pop();
    ordered.push_back(std::move(nodes[next]));
    for (const std::size_t reader : readers[next]) {
      if (--missing[reader] == 0) ready.push(reader);
    }
  }
  if (ordered.size() != nodes.size()) {
    throw InputError(fmt::format("{}: the graph has a cycle: {} nodes depend on their own output", file.name,
                                 nodes.size() - ordered.size()));
  }
  return ordered;
}

void check_single_assignment(const Graph& graph, const ModelFile& file) {
  std::set<std::string> defined(graph.inputs.begin(), graph.inputs.end());
  if (defined.size() != graph.inputs.size()) throw InputError(file.name + ": two graph inputs have one name");
  for (const auto& [name, constant] : graph.constants) defined.insert(name);
  for (const Node& node : graph.nodes) {
    for (const std::string& output : node.outputs) {
      if (!output.empty() && !defined.insert(output).second) {
        throw InputError(fmt::format("{}: tensor {} is defined twice, the second time by node {}", file.name,
                                     in_quotes(output), in_quotes(node.name)));
      }
    }
  }
}

Graph read_graph(onnx::GraphProto& proto, const ModelFile& file, std::int64_t opset) {
  Graph graph;
  graph.file = file.name;
  graph.opset = opset;
  const auto define = [&](const std::string& name, ConstantPointer value) {
    if (!graph.constants.emplace(name, std::move(value)).second)
      throw InputError(fmt::format("{}: tensor {} is defined twice", file.name, in_quotes(name)));
  };
  for (auto& tensor : *proto.mutable_initializer()) {
    const std::string name = tensor.name();
    define(name, take_tensor(tensor, file));
  }
  for (const auto& tensor : proto.sparse_initializer()) {
    define(tensor.values().name(), read_sparse_tensor(tensor, file));
  }
  for (const auto& input : proto.input()) {
    if (!graph.constants.contains(input.name())) graph.inputs.push_back(input.name());
    graph.tensors.insert_or_assign(input.name(), tensor_info(input));
  }
  for (const auto& output : proto.output()) {
    graph.outputs.push_back(output.name());
    graph.tensors.insert_or_assign(output.name(), tensor_info(output));
  }
  for (const auto& value : proto.value_info())
    graph.tensors.insert_or_assign(value.name(), tensor_info(value));
  for (auto& node_proto : *proto.mutable_node()) {
    Node node = read_node(node_proto, file, opset);
    if (node.is("Constant") && node.outputs.size() == 1) {
      if (ConstantPointer value = constant_value(node)) {
        define(node.output(0), std::move(value));
        continue;
      }
    }
    graph.nodes.push_back(std::move(node));
  }
  check_single_assignment(graph, file);
  graph.nodes = sorted(std::move(graph.nodes), file);
  return graph;
}

std::vector<AppliedTransform> transforms_of(const onnx::ModelProto& model) {
  std::vector<AppliedTransform> transforms;
  for (const auto& entry : model.metadata_props()) {
    const std::string_view key = entry.key();
    if (!key.starts_with(transform_metadata)) continue;
    AppliedTransform transform{std::string(key.substr(transform_metadata.size())), {}};
    std::istringstream details(entry.value());
    for (std::string line; std::getline(details, line);) transform.details.push_back(line);
    transforms.push_back(std::move(transform));
  }
  return transforms;
}

std::int64_t standard_opset(const onnx::ModelProto& model, const ModelFile& file) {
  for (const auto& opset : model.opset_import()) {
    if (!standard_domain(opset.domain()).empty()) continue;
    if (opset.version() < oldest_opset) {
      throw InputError(
          fmt::format("{}: opset {}; {} or later is supported", file.name, opset.version(), oldest_opset));
    }
    return opset.version();
  }
  throw InputError(file.name + ": not an ONNX model: no opset is declared for the standard operators");
}

InputError too_large(const std::string& name, std::uint64_t bytes) {
  return InputError(fmt::format(
      "{}: {} bytes; an ONNX file holds at most 2 GiB, larger models keep their weights in files beside it",
      name, bytes));
}

// For protobuf, which exceptions must not pass through.
class FileBytes final : public google::protobuf::io::CopyingInputStream {
 public:
  explicit FileBytes(const InputFile& file) : file_(file) {}

  int Read(void* buffer, int size) override {
    const std::uint64_t count = std::min<std::uint64_t>(static_cast<std::uint64_t>(size), file_.size() - at_);
    try {
      file_.read(at_, {static_cast<std::byte*>(buffer), static_cast<std::size_t>(count)});
    } catch (const IoError&) {
      failure_ = std::current_exception();
      return -1;
    }
    at_ += count;
    return static_cast<int>(count);
  }

  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const InputFile& file_;
  std::uint64_t at_ = 0;
  std::exception_ptr failure_;
};

// `bytes` is the stream's size: lengths beyond it are refused before protobuf allocates what they ask for.
std::optional<onnx::ModelProto> parsed(google::protobuf::io::ZeroCopyInputStream& stream,
                                       std::uint64_t bytes) {
  onnx::ModelProto model;
  if (!model.ParseFromBoundedZeroCopyStream(&stream, static_cast<int>(bytes))) return std::nullopt;
  return model;
}

Graph graph_of(std::optional<onnx::ModelProto> model, const ModelFile& file) {
  if (!model) throw InputError(file.name + ": not an ONNX model, or truncated: its protobuf cannot be read");
  if (!model->has_graph() || model->graph().node_size() == 0) {
    throw InputError(file.name + ": not an ONNX model, or truncated: it has no nodes");
  }
  Graph graph = read_graph(*model->mutable_graph(), file, standard_opset(*model, file));
  graph.transforms = transforms_of(*model);
  if (const auto missing = free_names(graph); !missing.empty()) {
    throw InputError(
        fmt::format("{}: tensor {} is read but never defined", file.name, in_quotes(*missing.begin())));
  }
  return graph;
}

}  // namespace

Graph parse_onnx(std::string_view bytes, const std::string& name, const std::filesystem::path& folder) {
  if (bytes.empty()) throw InputError(name + ": the file is empty");
  if (bytes.size() > largest_file) throw too_large(name, bytes.size());
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  return graph_of(parsed(stream, bytes.size()), {name, folder});
}

Graph read_onnx(const std::filesystem::path& file) {
  const std::string name = file.string();
  const InputFile input(file);
  if (input.size() == 0) throw InputError(name + ": the file is empty");
  if (input.size() > largest_file) throw too_large(name, input.size());
  FileBytes bytes(input);
  google::protobuf::io::CopyingInputStreamAdaptor stream(&bytes);
  std::optional<onnx::ModelProto> model = parsed(stream, input.size());
  bytes.rethrow_failure();
  return graph_of(std::move(model), {name, file.parent_path()});
}

}  // namespace qcal
