#include "config/settings.h"

namespace qcal {

std::string Source::text() const {
  if (file.empty()) return setting;
  return setting + " (" + file + ":" + std::to_string(line) + ":" + std::to_string(column) + ")";
}

}  // namespace qcal
