// JSON text to Configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace qcal {

enum class Severity { error, warning };

// One thing to tell the user about the configuration.
struct Diagnostic {
  Severity severity = Severity::error;
  Source where;         // file, line, column; `setting` is the JSON path
  std::string message;  // what is wrong; what is allowed; did you mean X

  // "config.json:14:15: overall_quantize_config.method: ..." ("warning: " after the position for one).
  std::string text() const;
};

enum class DeviceRules { error, warn };

struct ParseOptions {
  std::string file;  // name used in messages and provenance
  Compatibility compatibility = Compatibility::standard;
  DeviceRules device_rules = DeviceRules::error;
};

struct ParsedConfiguration {
  Configuration configuration;  // meaningful only where ok()
  std::vector<Diagnostic> diagnostics;

  bool ok() const;
};

// Parses, validates and fills in defaults. Comments, trailing commas and the flat default listing are
// accepted. Every problem of the text is reported in one run, in order of position. Never throws on bad text.
//
// Only target_device has no default, since the others depend on it: `{}` is an error that says so. What else
// UG1414 requires of the model and the text lacks is filled in and named in one warning a block.
ParsedConfiguration parse_config(std::string_view text, const ParseOptions& options);

// What is in force without a configuration file: the default listing of UG1414, activations rounded half_up.
Configuration default_configuration(Compatibility compatibility = Compatibility::standard);

}  // namespace qcal
