// An analysis for machines.
#pragma once

#include <string>
#include <vector>

#include "engine/analysis/analysis.h"

namespace qcal {

// {"library", "batches", "recorded_batches",
//  "layers": [{"layer", "layer_type", "input", "weights", "samples",
//              "sqnr_db": {"weights_only", "activations_only", "both", "bias_only"},
//              "best": [{"layer", "role", "tensor", "change": {"per_channel": true}, "sqnr_db",
//              "gain_db"}]}],
//  "skipped": [{"layer", "reason"}],
//  "tensors": [{"name", "layer", "role", "bit_width", "values", "levels_used", "clipped", "lowest",
//  "highest",
//               "spread"}],
//  "warnings": [...]}
//
// Layers stand worst first. A figure in dB that is infinite (no error), and an absent spread, are null.
std::string analysis_json(const Analysis& analysis, const std::vector<std::string>& warnings);

}  // namespace qcal
