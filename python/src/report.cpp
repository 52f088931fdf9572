// What becomes of a calibration for people: each layer's error, and the page.
#include "engine/report/report.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "engine/analysis/analysis.h"
#include "engine/analysis/analysis_json.h"
#include "engine/analysis/params_configuration.h"
#include "engine/export/atomic_output.h"
#include "python/src/bindings.h"

namespace qcal::python {
namespace {

namespace nb = nanobind;
using Path = std::filesystem::path;
using Config = std::optional<LoadedConfiguration>;

LoadedConfiguration configuration_for(const Config& config, const Path& params) {
  return config ? *config : configuration_of_params(params, Compatibility::standard);
}

std::string report(const Path& model, const Path& dumps, const Path& params, const Config& config) {
  const nb::gil_scoped_release release;
  return report_html({model, dumps, params, Backend::cpu()}, configuration_for(config, params));
}

std::string analysis(const Path& model, const Path& dumps, const Path& params, const Config& config) {
  const nb::gil_scoped_release release;
  const LoadedConfiguration loaded = configuration_for(config, params);
  AnalysisRequest request;
  request.model = model;
  request.dumps = dumps;
  request.params = params;
  request.backend = Backend::cpu();
  const Analysis found = analyze(request, loaded.configuration);
  std::vector<std::string> warnings = loaded.warnings;
  warnings.insert(warnings.end(), found.warnings.begin(), found.warnings.end());
  return analysis_json(found, warnings);
}

}  // namespace

void add_report(nb::module_& module) {
  module.def(
      "report", report, nb::arg("model"), nb::arg("dumps"), nb::arg("params"), nb::arg("config") = nb::none(),
      "The page that `calib_run report` writes: tensors with their distributions, the worst layers, the "
      "configuration and warnings in one HTML file. config: for the sources of settings; by default the copy "
      "in params counts.");
  module.def(
      "write_file", [](const Path& file, const std::string& text) { write_file_atomically(file, text); },
      nb::arg("file"), nb::arg("text"), "Writes a file, whole or not at all.");
  module.def("analyze_json", analysis, nb::arg("model"), nb::arg("dumps"), nb::arg("params"),
             nb::arg("config") = nb::none());
}

}  // namespace qcal::python
