// The file of --names: ONNX tensor names to the names that a consumer knows.
#pragma once

#include <map>
#include <string>

namespace qcal::tools {

// Reads {"tensor name": "other name", ...}; an empty path gives an empty map. Throws InputError naming the
// file.
std::map<std::string, std::string> read_name_map(const std::string& file);

}  // namespace qcal::tools
