// Shared by the tests of config/.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "config/parse_config.h"
#include "config/resolve.h"

namespace qcal::config_test {

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline ParsedConfiguration parse(std::string_view text, Compatibility compatibility = Compatibility::standard,
                                 DeviceRules device_rules = DeviceRules::error) {
  return parse_config(text, {.file = "c.json", .compatibility = compatibility, .device_rules = device_rules});
}

inline std::vector<std::string> texts(const ParsedConfiguration& parsed) {
  std::vector<std::string> all;
  for (const Diagnostic& diagnostic : parsed.diagnostics) all.push_back(diagnostic.text());
  return all;
}

inline std::vector<std::string> messages(std::string_view text) {
  return texts(parse(text));
}

// The configuration that `text` stands for; a test that uses it expects no errors.
inline Configuration configuration(std::string_view text,
                                   Compatibility compatibility = Compatibility::standard) {
  ParsedConfiguration parsed = parse(text, compatibility);
  EXPECT_TRUE(parsed.ok()) << testing::PrintToString(texts(parsed));
  return parsed.configuration;
}

// A CPU file's top level up to and including the model's complete tensor settings, to which a test adds the
// rest. One line, so that what follows starts on line 2.
inline const std::string cpu_model =
    R"({"target_device": "CPU", "convert_relu6_to_relu": false, "include_cle": false, "include_bias_corr": false, )"
    R"("quantizable_data_type": ["input", "weights", "bias", "activation"], "overall_quantize_config": {"bit_width": 8, )"
    R"("method": "maxmin", "round_mode": "half_even", "symmetry": true, "per_channel": false, "signed": true, )"
    R"("narrow_range": false, "scale_type": "float", "calib_statistic_method": "max"},)"
    "\n";

// The same for the DPU, without any message but those that a test provokes.
inline const std::string dpu_model =
    R"({"target_device": "DPU", "convert_relu6_to_relu": false, "include_cle": true, "include_bias_corr": true, )"
    R"("quantizable_data_type": ["input", "weights", "bias", "activation"],)"
    "\n";

inline const LayerIdentity conv1{
    .name = "/layer1/layer1.0/conv1/Conv", .module_path = "layer1.0.conv1", .types = {"Conv", "Conv2d"}};

}  // namespace qcal::config_test
