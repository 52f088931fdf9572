// An analysis as tables for people.
#pragma once

#include <string>

#include "engine/analysis/analysis.h"

namespace qcal::tools {

enum class TensorsShown { conspicuous, all };

// Layers worst first, what would help the worst of them, and what the quantizers make of the tensors: all of
// them, or at most ten that leave much of their integers idle, clip much or differ between batches.
std::string analysis_text(const Analysis& analysis, TensorsShown tensors);

}  // namespace qcal::tools
