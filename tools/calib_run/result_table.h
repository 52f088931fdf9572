// Results as a table for people.
#pragma once

#include <string>
#include <vector>

#include "engine/correct/bias_correction.h"
#include "engine/export/quantization_parameters.h"

namespace qcal::tools {

// Columns padded to their widest cell, the first row underlined. Columns whose header starts with '>' are
// right-aligned (the sign is dropped).
std::string aligned_table(const std::vector<std::vector<std::string>>& rows);

// At most `most` bytes of a name: its end, after "...".
std::string shortened(const std::string& text, std::size_t most);

// layer, type, role, method, bits, scale, zero point; one line a tensor. Per-channel scales show their range
// and number. Without layers (`calib_run tensors`) the first column names the tensor, and there are no types.
std::string result_table(const QuantizationParameters& parameters);

// layer, mean output error before and after on the samples held back, largest correction, kept or why not.
std::string bias_table(const std::vector<BiasCorrection>& corrections);

}  // namespace qcal::tools
