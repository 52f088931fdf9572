// The configuration that a result says it was found with.
#pragma once

#include <filesystem>

#include "engine/config_file.h"

namespace qcal {

// That of `params`, a quant_params.json; sources stand in "FILE: config". Device rules are not looked at,
// since whoever made it did. Throws InputError.
LoadedConfiguration configuration_of_params(const std::filesystem::path& params, Compatibility compatibility);

}  // namespace qcal
