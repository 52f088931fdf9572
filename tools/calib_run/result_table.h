// Results as a table for people.
#pragma once

#include <string>
#include <vector>

#include "engine/export/quantization_parameters.h"

namespace qcal::tools {

// Columns padded to their widest cell, the first row underlined. Columns whose header starts with '>' are
// right-aligned (the sign is dropped).
std::string aligned_table(const std::vector<std::vector<std::string>>& rows);

// layer, type, role, method, bits, scale, zero point; one line a tensor. Per-channel scales show their range
// and number. Without layers (`calib_run tensors`) the first column names the tensor, and there are no types.
std::string result_table(const QuantizationParameters& parameters);

}  // namespace qcal::tools
