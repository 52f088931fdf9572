// What a target cannot do, checked on finished settings.
#pragma once

#include "config/diagnostic_list.h"
#include "config/parse_config.h"
#include "config/settings.h"

namespace qcal {

// Checks the model's settings, and those of each layer entry laid over them; reports each offending value
// once, with the rule's name. Roles that are not quantized, and tensors of a float datatype, keep no rules.
//
// CPU and GPU take every combination. The DPU's rules are those that vai_q_pytorch checks; DeviceRules::warn
// makes them warnings. Activations rounded std_round are always a warning, since UG1414's own default listing
// has them. 32 bits are for bias alone on every target, and always an error elsewhere.
void check_device_rules(const Configuration& configuration, DeviceRules device_rules,
                        DiagnosticList& diagnostics);

}  // namespace qcal
