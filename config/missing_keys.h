// What UG1414 requires of the model and a file does not have.
#pragma once

#include "config/diagnostic_list.h"
#include "config/json_text.h"
#include "config/settings.h"

namespace qcal {

// Names the required keys that the file's top level `root` lacks, with the default that is in force instead:
// one warning for the top level and one for overall_quantize_config. A tensor setting is missing only where
// some quantized integer tensor needs it and has it from nowhere.
void warn_of_missing_keys(const json::Value& root, const Configuration& configuration,
                          DiagnosticList& diagnostics);

}  // namespace qcal
