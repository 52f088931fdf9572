// A configuration and a tensor's settings as text for people and as JSON for machines.
//
// All JSON is on one line, is valid UTF-8, and uses the configuration's own keys and spellings.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"

namespace qcal {

// Tables of setting, value and source: the model's, each role's, and what each layer entry overrides.
std::string describe_text(const Configuration& configuration);

// The table of one tensor's settings, each line led by `indent`.
std::string describe_text(const TensorSettings& settings, std::string_view indent = "");

// {"target_device": "CPU",
//  "target_device_source": "...",
//  "transforms": {"include_cle": {"value": false, "source": "..."}, ...},
//  "placement": {"value": "groups", "source": "..."},
//  "min_output_sqnr": {"value": 20, "source": "..."},
//  "quantizable_data_type": {"input": {"value": true, "source": "..."}, ...},
//  "tensor_settings": {"input": {"bit_width": {"value": 8, "source": "..."}, ...}, ...},
//  "layers": [{"layer_type" or "layer_name": "...", "source": "...", "tensor_settings": {...}}]}
//
// A layer entry's settings are those of the roles that it overrides, laid over the model's. `more_members` is
// appended as it is, e.g. "\"tensors\": [...]".
std::string describe_json(const Configuration& configuration, std::string_view more_members = {});

// {"bit_width": {"value": 8, "source": "overall_quantize_config.bit_width (config.json:13:18)"}, ...}
std::string settings_json(const TensorSettings& settings);

// {"bit_width": 8, ...}: the values alone.
std::string compact_settings_json(const TensorSettings& settings);

// The configuration as a configuration file with every value written out; it parses to the same values.
std::string configuration_json(const Configuration& configuration);

}  // namespace qcal
