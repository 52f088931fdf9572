#include "config/diagnostic_list.h"

#include <algorithm>
#include <tuple>

namespace qcal {

std::vector<Diagnostic> DiagnosticList::sorted() && {
  std::ranges::stable_sort(diagnostics_, {}, [](const Diagnostic& diagnostic) {
    return std::tuple(diagnostic.where.line, diagnostic.where.column);
  });
  return std::move(diagnostics_);
}

std::string Diagnostic::text() const {
  std::string text;
  if (!where.file.empty()) text += where.file + ":";
  if (where.line > 0) text += std::to_string(where.line) + ":" + std::to_string(where.column) + ":";
  if (!text.empty()) text += " ";
  if (severity == Severity::warning) text += "warning: ";
  if (!where.setting.empty()) text += where.setting + ": ";
  return text + message;
}

}  // namespace qcal
