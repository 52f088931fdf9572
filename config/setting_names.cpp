#include "config/setting_names.h"

#include <algorithm>

namespace qcal {
namespace {

// std::tolower depends on the locale.
char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, ascii_lower, ascii_lower);
}

}  // namespace qcal
