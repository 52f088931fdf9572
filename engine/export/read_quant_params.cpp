#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/input_file.h"
#include "engine/export/json_node.h"
#include "engine/export/quant_params.h"

namespace qcal {
namespace {

constexpr std::uint64_t longest_file = std::uint64_t{2} << 30;

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

BiasCorrection correction_of(const JsonNode& node) {
  BiasCorrection correction;
  std::optional<std::string> reason;
  std::optional<std::string> bias;
  node["layer"].read(correction.layer);
  node["layer_type"].read(correction.layer_type);
  node["weights"].read(correction.weights);
  node["bias"].read(bias);
  node["kept"].read(correction.kept);
  node["reason"].read(reason);
  node["samples"].read(correction.samples);
  node["held_back"].read(correction.held_back);
  node["error_before"].read(correction.error_before);
  node["error_after"].read(correction.error_after);
  node["added"].read(correction.added);
  std::vector<double> corrected;
  node["corrected"].read(corrected);
  for (const double value : corrected) {
    if (std::abs(value) > std::numeric_limits<float>::max()) node["corrected"].fail("beyond float32");
    correction.corrected.push_back(static_cast<float>(value));
  }
  correction.bias = bias.value_or("");
  correction.reason = reason.value_or("");
  return correction;
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

QuantParamsOrigin read_quant_params_origin(const std::filesystem::path& path) {
  const std::string file = path.string();
  const rapidjson::Document document = parse_json(read_text_file(path, longest_file), file);
  const JsonNode root(document, "", file);
  QuantParamsOrigin origin;
  std::optional<std::string> sha256;
  root["model"]["sha256"].read(sha256);
  origin.model_sha256 = sha256.value_or("");
  origin.config_json = root["config"].text();
  for (const JsonNode& node : root["bias_correction"].elements())
    origin.bias_corrections.push_back(correction_of(node));
  return origin;
}

}  // namespace qcal
