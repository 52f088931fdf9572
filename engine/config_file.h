// Configuration files for the library and the tools.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/parse_config.h"

namespace qcal {

struct LoadOptions {
  Compatibility compatibility = Compatibility::standard;
  DeviceRules device_rules = DeviceRules::error;
};

struct LoadedConfiguration {
  Configuration configuration;
  std::vector<std::string> warnings;  // one line each, with file:line:column
};

// Reads and validates a JSON configuration. Throws ConfigError, whose message lists every problem of the file
// one a line, and InputError where the file cannot be read.
LoadedConfiguration load_config_with_warnings(const std::filesystem::path& file,
                                              const LoadOptions& options = {});

// The same for a text that lies in no file; messages and sources call it `name`.
LoadedConfiguration read_config_with_warnings(std::string_view text, const std::string& name,
                                              const LoadOptions& options = {});

// The same for those who have nowhere to show warnings.
Configuration load_config(const std::filesystem::path& file, const LoadOptions& options = {});

}  // namespace qcal
