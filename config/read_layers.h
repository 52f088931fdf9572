// layer_quantize_config.
#pragma once

#include <vector>

#include "config/diagnostic_list.h"
#include "config/json_text.h"
#include "config/settings.h"

namespace qcal {

// Reads the list `value`. `quantizable` is the model's quantizable_data_type, to tell what has no effect.
std::vector<LayerEntry> read_layers(const json::Value& value, const PerRole<Sourced<bool>>& quantizable,
                                    DiagnosticList& diagnostics);

}  // namespace qcal
