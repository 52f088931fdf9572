#include "engine/analysis/params_configuration.h"

#include "engine/error.h"
#include "engine/export/quant_params.h"

namespace qcal {

LoadedConfiguration configuration_of_params(const std::filesystem::path& params,
                                            Compatibility compatibility) {
  const ParsedConfiguration parsed =
      parse_config(read_quant_params_origin(params).config_json,
                   {params.string() + ": config", compatibility, DeviceRules::warn});
  for (const Diagnostic& diagnostic : parsed.diagnostics)
    if (diagnostic.severity == Severity::error) throw InputError(diagnostic.text());
  return {parsed.configuration, {}};
}

}  // namespace qcal
