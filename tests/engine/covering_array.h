// Rows of tests/data/combinations/covering_array.csv: settings as their names, in which every three levels of
// three factors meet in some row.
#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace qcal::testing {

using CombinationRow = std::map<std::string, std::string>;  // factor to level

inline std::vector<std::string> split_at_commas(const std::string& line) {
  std::vector<std::string> parts;
  std::istringstream stream(line);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

inline std::vector<CombinationRow> covering_array() {
  std::ifstream file(QCAL_TEST_DATA "/combinations/covering_array.csv");
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> factors = split_at_commas(line);
  std::vector<CombinationRow> rows;
  while (std::getline(file, line)) {
    const std::vector<std::string> levels = split_at_commas(line);
    for (std::size_t i = 0; i < factors.size(); ++i) {
      if (i == 0) rows.emplace_back();
      rows.back()[factors[i]] = levels.at(i);
    }
  }
  return rows;
}

inline std::string text_of(const CombinationRow& row) {
  std::string text;
  for (const auto& [factor, level] : row) text += (text.empty() ? "" : ", ") + factor + " " + level;
  return text;
}

// The row as a configuration file, save the dtype and the axis, which are the data's.
inline std::string config_text(const CombinationRow& row) {
  std::string settings;
  for (const auto& [factor, level] : row) {
    if (factor == "dtype") continue;
    if (!settings.empty()) settings += ", ";
    if (factor == "granularity") {
      settings += std::string("\"per_channel\": ") + (level == "tensor" ? "false" : "true");
    } else {
      const bool bare = level == "true" || level == "false" || factor == "bit_width";
      settings += "\"" + factor + "\": " + (bare ? level : "\"" + level + "\"");
    }
  }
  return R"({"target_device": "CPU", "overall_quantize_config": {)" + settings + "}}";
}

}  // namespace qcal::testing
