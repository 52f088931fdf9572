#include "engine/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "config/describe.h"
#include "config/setting_names.h"
#include "engine/analysis/analysis.h"
#include "engine/analysis/analysis_json.h"
#include "engine/analysis/checked_parameters.h"
#include "engine/correct/costly_outputs.h"
#include "engine/error.h"
#include "engine/export/json_writer.h"
#include "engine/export/quant_params.h"
#include "engine/network.h"
#include "engine/replay/layer_product.h"
#include "engine/report/distributions.h"
#include "engine/report/page.h"
#include "engine/version.h"

namespace qcal {
namespace {

constexpr int thumbnail_bins = 96;

Analysis analysis_of(const ReportRequest& request, const Configuration& configuration) {
  AnalysisRequest analysis;
  analysis.model = request.model;
  analysis.dumps = request.dumps;
  analysis.params = request.params;
  analysis.backend = request.backend;
  analysis.on_progress = request.on_progress;
  try {
    return analyze(analysis, configuration);
  } catch (const MissingLibrary& error) {
    Analysis none;
    none.warnings.push_back(std::string("the error of the layers is left out: ") + error.what());
    return none;
  }
}

void write_distribution(JsonWriter& json, const TensorDistribution& distribution) {
  json.begin_object();
  json.member("name", distribution.name);
  json.member("role", spelling(distribution.role));
  json.key("low");
  json.number(distribution.low);
  json.key("high");
  json.number(distribution.high);
  json.key("counts");
  json.begin_array();
  for (const std::uint64_t count : distribution.counts) json.unsigned_integer(count);
  json.end_array();
  json.end_object();
}

// JSON that may stand in a script element, which "</" could end.
std::string in_script(std::string text) {
  for (std::size_t at = text.find("</"); at != std::string::npos; at = text.find("</", at + 3))
    text.insert(at + 1, "\\");
  return text;
}

}  // namespace

std::string report_html(const ReportRequest& request, const LoadedConfiguration& loaded) {
  const Configuration& configuration = loaded.configuration;
  std::vector<std::string> warnings = loaded.warnings;
  const Network network = read_network(request.model, configuration);
  const QuantizationParameters parameters = read_quant_params(request.params);
  QuantizationPlan plan = make_plan(network.transformed.graph, configuration);
  leave_out_as_in(parameters, plan);
  check_parameters(parameters, plan, request.params.string());
  const auto dumps = dumps_of_network(network, open_dumps(request.dumps), warnings);
  const Analysis analysis = analysis_of(request, configuration);
  for (const std::string& warning : analysis.warnings)
    if (std::ranges::find(warnings, warning) == warnings.end()) warnings.push_back(warning);

  JsonWriter json;
  json.begin_object();
  json.member("qcal", version());
  json.member("model", request.model.filename().string());
  json.member("dumps", dumps->description());
  json.key("config");
  json.json(describe_json(configuration));
  json.key("params");
  json.json(quant_params_json(parameters,
                              {version(), request.model.filename().string(), network.sha256, "{}", {}}));
  json.key("analysis");
  json.json(analysis_json(analysis, {}));
  json.key("distributions");
  json.begin_array();
  for (const TensorDistribution& distribution : distributions(plan, *dumps, *request.backend, thumbnail_bins))
    write_distribution(json, distribution);
  json.end_array();
  json.member("warnings", warnings);
  json.end_object();

  constexpr std::string_view place = "/*data*/";
  std::string page(report_page);
  page.replace(page.find(place), place.size(), in_script(json.text()));
  return page;
}

}  // namespace qcal
