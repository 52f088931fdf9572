// What became of the transforms, as JSON.
#pragma once

#include <vector>

#include "engine/export/json_writer.h"
#include "engine/plan/quantization_plan.h"

namespace qcal::tools {

// {"include_cle": {"status": "applied", "details": ["10 pairs", ...]}, ...}
void write_transforms(JsonWriter& writer, const std::vector<TransformStatus>& transforms);

}  // namespace qcal::tools
