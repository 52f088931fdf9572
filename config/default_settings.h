// What is in force where a configuration says nothing.
#pragma once

#include "config/settings.h"

namespace qcal {

inline constexpr double default_percentage = 99.99;
inline constexpr double default_min_output_sqnr = 20.0;  // dB: noise of a tenth of the values

// A configuration for `target` with every value at its default: for the DPU UG1414's default listing with
// activations rounded half_up, for CPU and GPU the model level of UG1414's example file.
//
// Compatibility::vitis: vai_q_pytorch's built-in defaults, which are those of the DPU for every target.
Configuration default_configuration_for(TargetDevice target, Compatibility compatibility);

}  // namespace qcal
