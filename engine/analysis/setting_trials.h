// Settings that could make a layer more accurate.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "engine/dumps/dump_source.h"
#include "engine/export/quantization_parameters.h"
#include "engine/plan/quantization_plan.h"
#include "kernels/backend.h"

namespace qcal {

// What a change asks of the device that runs the network.
enum class TrialCost { none, wider_integers, floating_point };

struct SettingTrial {
  std::string change;  // as members of a configuration: "method": "percentile", "percentage": 99.999
  TensorSettings settings;
  TrialCost cost = TrialCost::none;
};

// What is worth trying for `tensor`, an input or activation, or weights, on that target: other methods, a
// scale a channel, a zero point, no sign where the data have none, 16 bits, float. What the target's rules
// forbid, and what is in force already, is left out. Simple changes first.
std::vector<SettingTrial> setting_trials(const PlannedTensor& tensor, TargetDevice target,
                                         bool never_negative);

// The parameters that calibrate would give `tensor` under the settings of each trial, from everything that
// was recorded; absent where it would refuse, and for float. Cost: one pass over the recording.
std::vector<std::optional<TensorParameters>> trial_parameters(const PlannedTensor& tensor,
                                                              const std::vector<SettingTrial>& trials,
                                                              const DumpSource& dumps,
                                                              const Configuration& configuration,
                                                              const std::shared_ptr<const Backend>& backend);

}  // namespace qcal
