// A setting's value as text, spelled as in a configuration file but without quotes.
#pragma once

#include <string>
#include <vector>

#include "config/setting_names.h"
#include "config/settings.h"

namespace qcal {

std::string value_text(bool value);
std::string value_text(int value);
std::string value_text(double value);  // the shortest decimal that reads back to the same value
std::string value_text(Signedness value);
std::string value_text(SearchStart value);

template <Spelled Enum>
std::string value_text(Enum value) {
  return std::string(spelling(value));
}

// "a, b, c".
std::string joined(const std::vector<std::string>& parts);

}  // namespace qcal
