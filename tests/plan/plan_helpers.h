// Plans of the digits networks under a configuration given as text.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "config/describe.h"
#include "config/parse_config.h"
#include "config/setting_names.h"
#include "engine/graph/onnx_reader.h"
#include "engine/plan/quantization_plan.h"
#include "engine/transform/normalise.h"

namespace qcal::testing {

// The default configuration for CPU, all groups quantized, with more members, e.g.
// R"("layer_quantize_config": [...])".
inline Configuration configuration(const std::string& members) {
  const std::string text =
      R"({"target_device": "CPU", "placement": "groups", "quantizable_data_type": ["input", "weights", "bias", "activation"],
      "convert_relu6_to_relu": false, "include_cle": false, "include_bias_corr": false,
      "overall_quantize_config": {"bit_width": 8, "method": "maxmin", "round_mode": "half_even", "symmetry": true,
        "per_channel": false, "signed": true, "narrow_range": false, "scale_type": "float",
        "calib_statistic_method": "max"}, )" +
      members + "}";
  ParsedConfiguration parsed = parse_config(text, {.file = "test.json"});
  for (const Diagnostic& diagnostic : parsed.diagnostics) {
    EXPECT_NE(diagnostic.severity, Severity::error) << diagnostic.text();
  }
  return parsed.configuration;
}

inline QuantizationPlan plan_of(const std::string& model,
                                const Configuration& configuration = default_configuration()) {
  return make_plan(normalise(read_onnx(std::filesystem::path(QCAL_MODELS) / model)), configuration);
}

// What must be the same in every spelling of a network: all but the names.
inline std::vector<std::string> signature(const QuantizationPlan& plan) {
  std::vector<std::string> lines;
  for (const PlannedTensor& tensor : plan.tensors) {
    std::string line = std::string(spelling(tensor.role)) + ' ' + tensor.layer_type + ' ' + tensor.layer_op;
    for (const std::int64_t extent : tensor.shape) line += ' ' + std::to_string(extent);
    line +=
        " axis " + std::to_string(tensor.channel_axis.value_or(-1)) + ' ' + settings_json(tensor.settings);
    lines.push_back(line + (tensor.bias_factors ? " factors" : ""));
  }
  return lines;
}

}  // namespace qcal::testing
