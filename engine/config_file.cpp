#include "engine/config_file.h"

#include "engine/dumps/input_file.h"
#include "engine/error.h"

namespace qcal {
namespace {

constexpr std::uint64_t largest_configuration = std::uint64_t{64} << 20;

}  // namespace

LoadedConfiguration load_config_with_warnings(const std::filesystem::path& file, const LoadOptions& options) {
  return read_config_with_warnings(read_text_file(file, largest_configuration), file.string(), options);
}

LoadedConfiguration read_config_with_warnings(std::string_view text, const std::string& name,
                                              const LoadOptions& options) {
  ParsedConfiguration parsed = parse_config(text, {name, options.compatibility, options.device_rules});
  LoadedConfiguration loaded{std::move(parsed.configuration), {}};
  std::string errors;
  for (const Diagnostic& diagnostic : parsed.diagnostics) {
    if (diagnostic.severity == Severity::warning) {
      loaded.warnings.push_back(diagnostic.text());
    } else {
      if (!errors.empty()) errors += '\n';
      errors += diagnostic.text();
    }
  }
  if (!parsed.ok()) throw ConfigError(errors);
  return loaded;
}

Configuration load_config(const std::filesystem::path& file, const LoadOptions& options) {
  return load_config_with_warnings(file, options).configuration;
}

}  // namespace qcal
