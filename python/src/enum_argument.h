// Options that Python spells as the configuration does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/nearest_spelling.h"
#include "config/setting_names.h"
#include "kernels/error.h"

namespace qcal::python {

// The value that `text` spells. Throws InvalidArgument: `role: "wieghts" is not allowed; allowed: input,
// weights, bias, activation; did you mean weights?`
template <Spelled Enum>
Enum enum_argument(const std::string& argument, const std::string& text) {
  if (const auto value = from_spelling<Enum>(text)) return *value;
  const std::vector<std::string_view> allowed = all_spellings<Enum>();
  std::string message = argument + ": \"" + text + "\" is not allowed; allowed: ";
  for (const std::string_view& spelling : allowed) {
    if (&spelling != allowed.data()) message += ", ";
    message += spelling;
  }
  const std::string_view meant = nearest_spelling(text, allowed);
  if (!meant.empty()) message += "; did you mean " + std::string(meant) + "?";
  throw InvalidArgument(message);
}

}  // namespace qcal::python
