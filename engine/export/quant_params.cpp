#include "engine/export/quant_params.h"

#include <fmt/format.h>

#include "engine/dumps/in_quotes.h"
#include "engine/export/json_writer.h"
#include "kernels/error.h"

namespace qcal {
namespace {

void write(JsonWriter& writer, double value) {
  writer.number(value);
}
void write(JsonWriter& writer, std::int64_t value) {
  writer.integer(value);
}
void write(JsonWriter& writer, int value) {
  writer.integer(value);
}

template <class Value>
void write(JsonWriter& writer, const std::vector<Value>& values) {
  writer.begin_array();
  for (const Value& value : values) write(writer, value);
  writer.end_array();
}

void write_string_or_null(JsonWriter& writer, std::string_view key, const std::string& value) {
  writer.key(key);
  if (value.empty()) {
    writer.null();
  } else {
    writer.string(value);
  }
}

template <class Value>
void write_history(JsonWriter& writer, std::string_view key, const std::vector<std::vector<Value>>& history,
                   Granularity granularity) {
  writer.key(key);
  writer.begin_array();
  for (const std::vector<Value>& batch : history) {
    if (granularity == Granularity::per_channel) {
      write(writer, batch);
    } else {
      for (const Value& value : batch) write(writer, value);
    }
  }
  writer.end_array();
}

void write_tensor(JsonWriter& writer, const TensorParameters& tensor, bool with_history) {
  writer.begin_object();
  writer.member("name", tensor.name);
  writer.member("role", spelling(tensor.role));
  writer.member("layer", tensor.layer);
  writer.member("layer_type", tensor.layer_type);
  writer.member("datatype", spelling(tensor.datatype));
  writer.member("bit_width", tensor.bit_width);
  writer.member("qmin", tensor.qmin);
  writer.member("qmax", tensor.qmax);
  writer.member("signed", tensor.is_signed);
  writer.member("symmetric", tensor.symmetric);
  writer.member("granularity", spelling(tensor.granularity));
  writer.key("axis");
  if (tensor.axis) {
    writer.integer(*tensor.axis);
  } else {
    writer.null();
  }
  writer.member("method", spelling(tensor.method));
  writer.member("round_mode", spelling(tensor.round_mode));
  writer.member("scale_type", spelling(tensor.scale_type));
  writer.key("scale");
  write(writer, tensor.scale);
  writer.key("zero_point");
  write(writer, tensor.zero_point);
  writer.key("amax");
  write(writer, tensor.amax);
  writer.key("fix_pos");
  if (tensor.fix_pos) {
    write(writer, *tensor.fix_pos);
  } else {
    writer.null();
  }
  writer.member("batches", tensor.batches);
  writer.member("batch_statistic", spelling(tensor.statistic));
  writer.member("calib_scope", spelling(tensor.scope));
  const PerBatch& history = with_history ? tensor.per_batch : PerBatch{};
  writer.key("per_batch");
  writer.begin_object();
  write_history(writer, "scale", history.scale, tensor.granularity);
  write_history(writer, "zero_point", history.zero_point, tensor.granularity);
  write_history(writer, "amax", history.amax, tensor.granularity);
  writer.end_object();
  writer.key("elements");
  writer.unsigned_integer(tensor.elements);
  writer.key("non_finite");
  writer.unsigned_integer(tensor.non_finite);
  writer.end_object();
}

void write_details(JsonWriter& writer, const TransformStatus& transform) {
  if (transform.details.empty()) return;
  writer.key(transform.name);
  writer.strings(transform.details);
}

void write_adjustment(JsonWriter& writer, const PositionAdjustment& adjustment) {
  writer.begin_object();
  writer.member("tensor", adjustment.tensor);
  writer.member("role", spelling(adjustment.role));
  writer.member("layer", adjustment.layer);
  writer.member("rule", adjustment.rule);
  writer.member("before", adjustment.before);
  writer.member("after", adjustment.after);
  writer.end_object();
}

void write_output(JsonWriter& writer, const CostlyOutput& output) {
  writer.begin_object();
  writer.member("tensor", output.tensor);
  writer.member("layer", output.layer);
  writer.member("sqnr", output.sqnr);
  writer.member("min_output_sqnr", output.min_output_sqnr);
  writer.end_object();
}

void write_correction(JsonWriter& writer, const BiasCorrection& correction) {
  writer.begin_object();
  writer.member("layer", correction.layer);
  writer.member("layer_type", correction.layer_type);
  writer.member("weights", correction.weights);
  write_string_or_null(writer, "bias", correction.bias);
  writer.member("kept", correction.kept);
  write_string_or_null(writer, "reason", correction.reason);
  writer.member("samples", correction.samples);
  writer.member("held_back", correction.held_back);
  writer.member("error_before", correction.error_before);
  writer.member("error_after", correction.error_after);
  writer.key("added");
  write(writer, correction.added);
  writer.key("corrected");
  write(writer, std::vector<double>(correction.corrected.begin(), correction.corrected.end()));
  writer.end_object();
}

}  // namespace

std::string quant_params_json(const QuantizationParameters& parameters, const ExportContext& context) {
  JsonWriter writer;
  writer.begin_object();
  writer.member("qcal", context.qcal_version);
  writer.key("model");
  writer.begin_object();
  write_string_or_null(writer, "path", context.model_file);
  write_string_or_null(writer, "sha256", context.model_sha256);
  writer.end_object();
  writer.key("config");
  writer.json(context.config_json);
  writer.key("transforms");
  writer.begin_object();
  for (const TransformStatus& transform : context.transforms) writer.member(transform.name, transform.status);
  writer.end_object();
  writer.key("tensors");
  writer.begin_array();
  for (const TensorParameters& tensor : parameters.tensors) {
    const bool with_history = tensor.granularity == Granularity::per_tensor || context.per_channel_batches;
    try {
      write_tensor(writer, tensor, with_history);
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(fmt::format("tensor {}: {}", in_quotes(tensor.name), error.what()));
    }
  }
  writer.end_array();
  writer.key("transform_details");
  writer.begin_object();
  for (const TransformStatus& transform : context.transforms) write_details(writer, transform);
  writer.end_object();
  writer.key("adjustments");
  writer.begin_array();
  for (const PositionAdjustment& adjustment : context.adjustments) write_adjustment(writer, adjustment);
  writer.end_array();
  writer.key("costly_outputs");
  writer.begin_array();
  for (const CostlyOutput& output : context.costly_outputs) write_output(writer, output);
  writer.end_array();
  writer.key("bias_correction");
  writer.begin_array();
  for (const BiasCorrection& correction : context.bias_corrections) write_correction(writer, correction);
  writer.end_array();
  writer.end_object();
  return writer.text();
}

}  // namespace qcal
