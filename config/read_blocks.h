// The blocks that the model level and a layer entry have in common.
#pragma once

#include <optional>
#include <string>

#include "config/diagnostic_list.h"
#include "config/json_text.h"
#include "config/settings.h"

namespace qcal {

// Reads `member` where its key is a tensor setting; false where it is not. `parent`: its object's path.
bool read_tensor_setting(const json::Member& member, const std::string& parent, TensorOverrides& overrides,
                         DiagnosticList& diagnostics);

// overall_quantize_config, or one tensor's part of tensor_quantize_config.
TensorOverrides read_tensor_block(const json::Value& value, const std::string& path,
                                  DiagnosticList& diagnostics);

// tensor_quantize_config.
PerRole<TensorOverrides> read_tensor_roles(const json::Value& value, const std::string& path,
                                           DiagnosticList& diagnostics);

// quantizable_data_type: where each listed role stands in the list. Empty where the list has a mistake, so
// that nothing is concluded from what it lacks.
std::optional<PerRole<std::optional<Source>>> read_role_list(const json::Value& value,
                                                             const std::string& path,
                                                             DiagnosticList& diagnostics);

// Warns of each block in the tensor_quantize_config of `owner` (at `path`) whose role is not `listed`.
void warn_of_unlisted_blocks(const json::Value& owner, const std::string& path, const PerRole<bool>& listed,
                             DiagnosticList& diagnostics);

}  // namespace qcal
