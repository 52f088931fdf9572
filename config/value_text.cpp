#include "config/value_text.h"

#include <array>
#include <charconv>

namespace qcal {

std::string value_text(bool value) {
  return value ? "true" : "false";
}

std::string value_text(int value) {
  return std::to_string(value);
}

std::string value_text(double value) {
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return std::string(digits.data(), written.ptr);
}

std::string value_text(Signedness value) {
  return value == Signedness::automatic ? "auto" : value_text(value == Signedness::is_signed);
}

std::string value_text(SearchStart value) {
  switch (value.kind) {
    case SearchStart::Kind::preset:
      return "preset";
    case SearchStart::Kind::levels:
      return "levels";
    case SearchStart::Kind::bins:
      return std::to_string(value.bins);
  }
  return {};
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
  return all;
}

}  // namespace qcal
