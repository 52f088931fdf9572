// A calibration as one page for people.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/config_file.h"
#include "engine/pipeline.h"

namespace qcal {

struct ReportRequest {
  std::filesystem::path model;
  std::filesystem::path dumps;
  std::filesystem::path params;  // quant_params.json of that model and dump
  std::shared_ptr<const Backend> backend;
  std::function<void(const Progress&)> on_progress{};  // may be empty
};

// An HTML file that needs nothing beside it: a table of tensors that sorts and filters, each with its
// distribution and the range that its scale reaches; the layers, worst first; `loaded`'s settings and where
// each came from; warnings. The same arguments give the same bytes. Throws what analyze() throws, save that
// without a library that computes layers their part is left out, which is then one of the warnings.
std::string report_html(const ReportRequest& request, const LoadedConfiguration& loaded);

}  // namespace qcal
