#include "engine/analysis/analysis_json.h"

#include <cmath>
#include <optional>

#include "config/setting_names.h"
#include "engine/export/json_writer.h"

namespace qcal {
namespace {

void write_number(JsonWriter& json, std::string_view key, std::optional<double> value) {
  json.key(key);
  if (value && std::isfinite(*value)) {
    json.number(*value);
  } else {
    json.null();
  }
}

template <class Element, class Write>
void write_list(JsonWriter& json, std::string_view key, const std::vector<Element>& elements,
                const Write& write) {
  json.key(key);
  json.begin_array();
  for (const Element& element : elements) {
    json.begin_object();
    write(element);
    json.end_object();
  }
  json.end_array();
}

void write_tried(JsonWriter& json, const TriedSetting& tried) {
  json.member("layer", tried.layer);
  json.member("role", spelling(tried.role));
  json.member("tensor", tried.tensor);
  json.key("change");
  json.json("{" + tried.change + "}");
  write_number(json, "sqnr_db", tried.decibels);
  write_number(json, "gain_db", tried.gain);
}

void write_layer(JsonWriter& json, const LayerError& layer) {
  json.member("layer", layer.layer);
  json.member("layer_type", layer.type);
  json.member("input", layer.input);
  json.member("weights", layer.weights);
  json.member("samples", layer.samples);
  json.key("sqnr_db");
  json.begin_object();
  write_number(json, "weights_only", layer.weights_only);
  write_number(json, "activations_only", layer.activations_only);
  write_number(json, "both", layer.both);
  write_number(json, "bias_only", layer.bias_only);
  json.end_object();
  write_list(json, "best", layer.best, [&](const TriedSetting& tried) { write_tried(json, tried); });
}

void write_tensor(JsonWriter& json, const TensorUse& use) {
  json.member("name", use.tensor);
  json.member("layer", use.layer);
  json.member("role", spelling(use.role));
  json.member("bit_width", use.bit_width);
  json.key("values");
  json.unsigned_integer(use.values);
  write_number(json, "levels_used", use.levels_used);
  write_number(json, "clipped", use.clipped);
  write_number(json, "lowest", use.lowest);
  write_number(json, "highest", use.highest);
  write_number(json, "spread", use.spread);
}

}  // namespace

std::string analysis_json(const Analysis& analysis, const std::vector<std::string>& warnings) {
  JsonWriter json;
  json.begin_object();
  json.member("library", analysis.library);
  json.key("batches");
  json.unsigned_integer(analysis.batches);
  json.key("recorded_batches");
  json.unsigned_integer(analysis.recorded_batches);
  write_list(json, "layers", analysis.layers, [&](const LayerError& layer) { write_layer(json, layer); });
  write_list(json, "skipped", analysis.skipped, [&](const SkippedLayer& layer) {
    json.member("layer", layer.layer);
    json.member("reason", layer.reason);
  });
  write_list(json, "tensors", analysis.tensors, [&](const TensorUse& use) { write_tensor(json, use); });
  write_list(json, "kernels", analysis.kernels, [&](const NodeKernel& kernel) {
    json.member("node", kernel.node);
    json.member("type", kernel.type);
    json.member("kernel", kernel.kernel);
    json.member("reason", kernel.reason);
  });
  json.member("warnings", warnings);
  json.end_object();
  return json.text();
}

}  // namespace qcal
