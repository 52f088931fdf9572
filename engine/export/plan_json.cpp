#include "engine/export/plan_json.h"

#include "config/describe.h"
#include "config/setting_names.h"

namespace qcal {

void write_transforms(JsonWriter& writer, const std::vector<TransformStatus>& transforms) {
  writer.begin_object();
  for (const TransformStatus& transform : transforms) {
    writer.key(transform.name);
    writer.begin_object();
    writer.member("status", transform.status);
    writer.member("details", transform.details);
    writer.end_object();
  }
  writer.end_object();
}

std::string plan_members(const QuantizationPlan& plan) {
  JsonWriter tensors;
  tensors.begin_array();
  for (const PlannedTensor& tensor : plan.tensors) {
    tensors.begin_object();
    tensors.member("name", tensor.name);
    tensors.member("role", spelling(tensor.role));
    tensors.member("layer", tensor.layer);
    tensors.member("layer_type", tensor.layer_type);
    tensors.key("shape");
    tensors.begin_array();
    for (const std::int64_t extent : tensor.shape) tensors.integer(extent);
    tensors.end_array();
    tensors.member("readers", tensor.readers);
    tensors.member("only_for_kernels", tensor.only_for_kernels);
    tensors.key("settings");
    tensors.json(settings_json(tensor.settings));
    tensors.end_object();
  }
  tensors.end_array();
  JsonWriter notes;
  notes.begin_array();
  for (const PlanNote& note : plan.notes) {
    notes.begin_object();
    notes.member("subject", note.subject);
    notes.member("text", note.text);
    notes.end_object();
  }
  notes.end_array();
  JsonWriter left_out;
  left_out.strings(plan.left_out);
  JsonWriter transforms;
  write_transforms(transforms, plan.transforms);
  return "\"tensors\": " + tensors.text() + ", \"left_out\": " + left_out.text() +
         ", \"notes\": " + notes.text() + ", \"transform_status\": " + transforms.text();
}

}  // namespace qcal
