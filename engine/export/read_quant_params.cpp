#include <fmt/format.h>

#include <set>
#include <tuple>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/input_file.h"
#include "engine/dumps/json_input.h"
#include "engine/error.h"
#include "engine/export/quant_params.h"

namespace qcal {
namespace {

constexpr std::uint64_t longest_file = std::uint64_t{2} << 30;

// A value in the document and the way to it, for messages: quant_params.json: tensors[3].scale[0]: ...
class JsonNode {
 public:
  JsonNode(const rapidjson::Value& value, std::string path, const std::string& file)
      : value_(value), path_(std::move(path)), file_(file) {}

  [[noreturn]] void fail(std::string_view what) const {
    throw InputError(fmt::format("{}: {}: {}", file_, path_.empty() ? "the file" : path_, what));
  }

  JsonNode operator[](const char* key) const {
    if (!value_.IsObject()) fail("must be an object");
    const auto found = value_.FindMember(key);
    if (found == value_.MemberEnd())
      fail(fmt::format("no \"{}\"; is this a quant_params.json of qcal?", key));
    return {found->value, path_.empty() ? key : path_ + "." + key, file_};
  }

  std::vector<JsonNode> elements() const {
    if (!value_.IsArray()) fail("must be a list");
    std::vector<JsonNode> nodes;
    for (rapidjson::SizeType i = 0; i < value_.Size(); ++i) {
      nodes.emplace_back(value_[i], fmt::format("{}[{}]", path_, i), file_);
    }
    return nodes;
  }

  bool is_null() const { return value_.IsNull(); }

  void read(std::string& into) const {
    if (!value_.IsString()) fail("must be a string");
    into = std::string(text_of(value_));
  }
  void read(bool& into) const {
    if (!value_.IsBool()) fail("must be true or false");
    into = value_.GetBool();
  }
  void read(int& into) const {
    if (!value_.IsInt()) fail("must be an integer");
    into = value_.GetInt();
  }
  void read(std::int64_t& into) const {
    if (!value_.IsInt64()) fail("must be an integer");
    into = value_.GetInt64();
  }
  void read(std::uint64_t& into) const {
    if (!value_.IsUint64()) fail("must be an integer, 0 or more");
    into = value_.GetUint64();
  }
  void read(double& into) const {
    if (!value_.IsNumber()) fail("must be a number");
    into = value_.GetDouble();
  }
  template <class Value>
  void read(std::vector<Value>& into) const {
    for (const JsonNode& element : elements()) element.read(into.emplace_back());
  }
  template <class Value>
  void read(std::optional<Value>& into) const {
    if (!is_null()) read(into.emplace());
  }
  template <Spelled Setting>
  void read(Setting& into) const {
    std::string word;
    read(word);
    const std::optional<Setting> setting = from_spelling<Setting>(word);
    if (!setting) fail(fmt::format("unknown value {}", in_quotes(word)));
    into = *setting;
  }

 private:
  const rapidjson::Value& value_;
  std::string path_;
  const std::string& file_;
};

template <class Value>
void read_history(const JsonNode& node, Granularity granularity, std::vector<std::vector<Value>>& into) {
  for (const JsonNode& batch : node.elements()) {
    if (granularity == Granularity::per_channel) {
      batch.read(into.emplace_back());
    } else {
      batch.read(into.emplace_back().emplace_back());
    }
  }
}

void check_counts(const JsonNode& node, const TensorParameters& tensor) {
  const std::size_t count = tensor.scale.size();
  if (tensor.zero_point.size() != count || tensor.amax.size() != count ||
      (tensor.fix_pos && tensor.fix_pos->size() != count)) {
    node.fail("\"scale\", \"zero_point\", \"amax\" and \"fix_pos\" differ in length");
  }
  if (tensor.datatype == Datatype::integer && count == 0) node.fail("no scale");
  if (tensor.granularity == Granularity::per_tensor && count > 1)
    node.fail("several scales, although per_tensor");
}

TensorParameters tensor_of(const JsonNode& node) {
  TensorParameters tensor;
  node["name"].read(tensor.name);
  node["role"].read(tensor.role);
  node["layer"].read(tensor.layer);
  node["layer_type"].read(tensor.layer_type);
  node["datatype"].read(tensor.datatype);
  node["bit_width"].read(tensor.bit_width);
  node["qmin"].read(tensor.qmin);
  node["qmax"].read(tensor.qmax);
  node["signed"].read(tensor.is_signed);
  node["symmetric"].read(tensor.symmetric);
  node["granularity"].read(tensor.granularity);
  node["axis"].read(tensor.axis);
  node["method"].read(tensor.method);
  node["round_mode"].read(tensor.round_mode);
  node["scale_type"].read(tensor.scale_type);
  node["scale"].read(tensor.scale);
  node["zero_point"].read(tensor.zero_point);
  node["amax"].read(tensor.amax);
  node["fix_pos"].read(tensor.fix_pos);
  node["batches"].read(tensor.batches);
  node["batch_statistic"].read(tensor.statistic);
  node["calib_scope"].read(tensor.scope);
  const JsonNode history = node["per_batch"];
  read_history(history["scale"], tensor.granularity, tensor.per_batch.scale);
  read_history(history["zero_point"], tensor.granularity, tensor.per_batch.zero_point);
  read_history(history["amax"], tensor.granularity, tensor.per_batch.amax);
  node["elements"].read(tensor.elements);
  node["non_finite"].read(tensor.non_finite);
  check_counts(node, tensor);
  return tensor;
}

}  // namespace

QuantizationParameters read_quant_params(const std::filesystem::path& path) {
  const std::string file = path.string();
  const rapidjson::Document document = parse_json(read_text_file(path, longest_file), file);
  QuantizationParameters parameters;
  std::set<std::tuple<std::string, Role, std::string>> seen;
  for (const JsonNode& node : JsonNode(document, "", file)["tensors"].elements()) {
    TensorParameters tensor = tensor_of(node);
    if (!seen.emplace(tensor.name, tensor.role, tensor.layer).second) {
      node.fail(fmt::format("tensor {} is listed twice with one role and layer", in_quotes(tensor.name)));
    }
    parameters.tensors.push_back(std::move(tensor));
  }
  return parameters;
}

}  // namespace qcal
