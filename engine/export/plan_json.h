// A plan, and what became of the transforms, as JSON.
#pragma once

#include <string>
#include <vector>

#include "engine/export/json_writer.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// {"include_cle": {"status": "applied", "details": ["10 pairs", ...]}, ...}
void write_transforms(JsonWriter& writer, const std::vector<TransformStatus>& transforms);

// The members that a plan adds to the configuration's JSON (describe_json): "tensors": [...], "left_out":
// [...], "notes": [...], "transform_status": {...}.
std::string plan_members(const QuantizationPlan& plan);

}  // namespace qcal
