#include "tools/calib_run/results.h"

#include <fmt/format.h>

#include <map>

#include "config/setting_names.h"
#include "engine/export/json_writer.h"
#include "engine/run/result_files.h"
#include "tools/calib_run/name_map.h"
#include "tools/calib_run/result_table.h"
#include "tools/calib_run/terminal.h"

namespace qcal::tools {
Results::Results(const ResultOptions& options, const OutputOptions& output)
    : options_(options), output_(output), names_(read_name_map(options.names)), out_(options.out) {}

void Results::write(CalibrationResult result, const ResultOrigin& origin,
                    const std::vector<std::string>& earlier) {
  result.context.per_channel_batches = options_.per_batch;
  const bool has_model = !result.quantized.model.empty();
  const std::string params = add_result_files(out_, result, origin.configuration, {names_, options_.runtime});
  for (std::string& line : runtime_warnings(result, origin.configuration, options_.runtime))
    result.warnings.push_back(std::move(line));
  out_.commit();
  if (output_.talks()) print_warnings(result.warnings);
  result.warnings.insert(result.warnings.begin(), earlier.begin(), earlier.end());
  print(result, has_model, params, origin);
}

void Results::print(const CalibrationResult& result, bool has_model, const std::string& params_json,
                    const ResultOrigin& origin) const {
  if (output_.json) {
    JsonWriter json;
    json.begin_object();
    json.member("warnings", result.warnings);
    json.member("backend", origin.backend);
    json.member("out", options_.out);
    json.key("result");
    json.json(params_json);
    json.end_object();
    fmt::print("{}", json.text());
    return;
  }
  if (output_.quiet) return;
  fmt::print("{}\n", result_table(result.parameters));
  for (const TransformStatus& transform : result.context.transforms) {
    if (transform.status == "off") continue;
    const std::string what = transform.details.empty() ? "" : ": " + transform.details.front();
    fmt::print("{}: {}{}\n", transform.name, transform.status, what);
  }
  for (const PositionAdjustment& adjustment : result.context.adjustments) {
    fmt::print("{}: {} of {} {}: fix position {} -> {}\n", adjustment.layer, adjustment.rule,
               spelling(adjustment.role), adjustment.tensor, adjustment.before, adjustment.after);
  }
  if (options_.explain_bias) fmt::print("\n{}\n", bias_table(result.context.bias_corrections));
  fmt::print("{} tensors written to {} (quant_params.json, quant_info.json{})\n",
             result.parameters.tensors.size(), options_.out, has_model ? ", quantized.onnx" : "");
  if (origin.tell_backend) fmt::print("back end: {}\n", origin.backend);
}

}  // namespace qcal::tools
