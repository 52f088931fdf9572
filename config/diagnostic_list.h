// Collects what there is to say about one configuration file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/json_text.h"
#include "config/parse_config.h"

namespace qcal {

class DiagnosticList {
 public:
  explicit DiagnosticList(std::string file) : file_(std::move(file)) {}

  // The source of what stands at `position` of the file under the JSON path `path`.
  Source source(std::string path, json::Position position) const {
    return {std::move(path), file_, position.line, position.column};
  }

  void error(Source where, std::string message) {
    diagnostics_.push_back({Severity::error, std::move(where), std::move(message)});
  }
  void warning(Source where, std::string message) {
    diagnostics_.push_back({Severity::warning, std::move(where), std::move(message)});
  }

  // In order of position; what concerns one place stays in the order of its finding.
  std::vector<Diagnostic> sorted() &&;

 private:
  std::string file_;
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace qcal
