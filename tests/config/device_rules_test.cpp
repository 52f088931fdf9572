#include "config/device_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_test_support.h"

namespace qcal {
namespace {

using config_test::cpu_model;
using config_test::dpu_model;
using config_test::messages;
using config_test::parse;
using config_test::texts;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A DPU file that keeps every rule but for what `tensors` and `layers` add.
std::string dpu(const std::string& tensors, const std::string& layers = "") {
  return dpu_model +
         "\"overall_quantize_config\": {\"bit_width\": 8, \"method\": \"diffs\", \"symmetry\": true, "
         "\"per_channel\": "
         "false, \"signed\": true, \"narrow_range\": false, \"scale_type\": \"power_of_two\", "
         "\"calib_statistic_method\": \"modal\", \"round_mode\": \"std_round\"},\n"
         "\"tensor_quantize_config\": {" +
         tensors + "},\n\"layer_quantize_config\": [" + layers + "]}";
}

const std::string rounded = "\"activation\": {\"round_mode\": \"half_up\"}";

TEST(DeviceRules, a_file_that_keeps_them_is_silent) {
  EXPECT_THAT(messages(dpu(rounded)), IsEmpty());
  EXPECT_THAT(messages(dpu(rounded + ", \"bias\": {\"method\": \"maxmin\"}")), IsEmpty());
}

TEST(DeviceRules, each_dpu_rule_is_named) {
  const auto message = [](const std::string& setting) {
    const std::vector<std::string> all = messages(dpu(rounded + ",\n\"input\": {" + setting + "}"));
    EXPECT_EQ(all.size(), 1u);
    const std::string start = "c.json:4:";
    EXPECT_THAT(all, ElementsAre(HasSubstr(start)));
    return all.empty() ? "" : all.front().substr(all.front().find("input."));
  };
  EXPECT_EQ(message("\"symmetry\": false"),
            "input.symmetry: false for input breaks the rule \"DPU symmetry\": the DPU has no zero point; "
            "allowed: true");
  EXPECT_EQ(message("\"method\": \"entropy\""),
            "input.method: entropy for input breaks the rule \"DPU method\": the DPU's power-of-two scales "
            "are searched; "
            "allowed: diffs, maxmin");
  EXPECT_EQ(message("\"per_channel\": true"),
            "input.per_channel: true for input breaks the rule \"DPU granularity\": the DPU has one scale a "
            "tensor; "
            "allowed: false");
  EXPECT_EQ(message("\"scale_type\": \"float\""),
            "input.scale_type: float for input breaks the rule \"DPU scale type\": the DPU scales by "
            "shifting; allowed: "
            "power_of_two");
  EXPECT_EQ(message("\"narrow_range\": true"),
            "input.narrow_range: true for input breaks the rule \"DPU integer range\": the DPU uses the "
            "whole integer "
            "range; allowed: false");
  EXPECT_EQ(message("\"calib_statistic_method\": \"max\""),
            "input.calib_statistic_method: max for input breaks the rule \"DPU batch statistic\": only the "
            "most frequent "
            "of several power-of-two scales is one itself; allowed: modal");
  EXPECT_EQ(message("\"round_mode\": \"half_up\""),
            "input.round_mode: half_up for input breaks the rule \"DPU rounding\": inputs and parameters are "
            "rounded "
            "std_round for the DPU; allowed: std_round");
}

TEST(DeviceRules, activations_round_half_up_and_std_round_is_only_a_warning) {
  EXPECT_THAT(
      messages(dpu("\"activation\": {\"round_mode\": \"half_even\"}")),
      ElementsAre(
          "c.json:3:57: tensor_quantize_config.activation.round_mode: half_even for activation breaks the "
          "rule \"DPU activation rounding\": the DPU rounds activations half_up; allowed: half_up"));
  const ParsedConfiguration parsed = parse(dpu(""));
  EXPECT_TRUE(parsed.ok());
  EXPECT_THAT(texts(parsed),
              ElementsAre(AllOf(HasSubstr("warning: overall_quantize_config.round_mode: std_round for "
                                          "activation breaks the rule \"DPU activation rounding\""))));
}

TEST(DeviceRules, unsigned_on_the_dpu_is_only_a_warning) {
  for (const std::string value : {"false", "\"auto\""}) {
    const ParsedConfiguration parsed = parse(dpu(rounded + ", \"bias\": {\"signed\": " + value + "}"));
    EXPECT_TRUE(parsed.ok());
    EXPECT_THAT(texts(parsed),
                ElementsAre(HasSubstr(
                    "for bias breaks the rule \"DPU signedness\": the DPU computes on signed integers")));
  }
}

TEST(DeviceRules, activation_and_bias_have_one_width) {
  EXPECT_THAT(
      messages(dpu(
          "\"bias\": {\"bit_width\": 4},\n\"activation\": {\"round_mode\": \"half_up\", \"bit_width\": 6}")),
      ElementsAre("c.json:4:54: tensor_quantize_config.activation.bit_width: 6 bits for activation, "
                  "tensor_quantize_config.activation.bit_width (c.json:4:54), and 4 for bias, "
                  "tensor_quantize_config.bias.bit_width (c.json:3:50), break the rule \"DPU equal widths\": "
                  "activation and bias have the same width on the DPU"));
  EXPECT_THAT(
      messages(dpu(
          "\"bias\": {\"bit_width\": 4},\n\"activation\": {\"round_mode\": \"half_up\", \"bit_width\": 4}")),
      IsEmpty());
  EXPECT_THAT(messages(dpu("\"bias\": {\"bit_width\": 4, \"datatype\": \"float32\"}, " + rounded)),
              IsEmpty());
}

TEST(DeviceRules, one_value_is_reported_once_for_all_its_tensors_and_layers) {
  EXPECT_THAT(
      messages(
          "{\"target_device\": \"DPU\", \"convert_relu6_to_relu\": false, \"include_cle\": true, "
          "\"include_bias_corr\": true, \"quantizable_data_type\": [\"weights\", \"bias\"], "
          "\"bit_width\": 8, \"method\": \"diffs\", \"round_mode\": \"std_round\", \"per_channel\": false, "
          "\"signed\": true, \"narrow_range\": false, \"scale_type\": \"power_of_two\",\n"
          "\"symmetry\": false, \"calib_statistic_method\": \"max\", \"layer_quantize_config\": ["
          "{\"layer_type\": \"Conv2d\", \"quantizable_data_type\": [\"weights\"], "
          "\"overall_quantize_config\": {\"bit_width\": 4}}]}"),
      ElementsAre(
          "c.json:2:13: symmetry: false for weights, bias breaks the rule \"DPU symmetry\": the DPU has no "
          "zero point; allowed: true"));
}

TEST(DeviceRules, layers_are_checked_with_the_models_settings_under_them) {
  EXPECT_THAT(
      messages(dpu(rounded,
                   "\n{\"layer_type\": \"Conv2d\", \"quantizable_data_type\": [\"bias\", \"weights\"], "
                   "\"overall_quantize_config\": {\"bit_width\": 4, \"per_channel\": true}}")),
      ElementsAre(
          "c.json:5:113: layer_quantize_config[0].overall_quantize_config.bit_width: 8 bits for "
          "activation, overall_quantize_config.bit_width (c.json:2:42), and 4 for bias, "
          "layer_quantize_config[0].overall_quantize_config.bit_width (c.json:5:113), break the rule "
          "\"DPU equal widths\": activation and bias have the same width on the DPU",
          "c.json:5:131: layer_quantize_config[0].overall_quantize_config.per_channel: true for weights, "
          "bias breaks the rule \"DPU granularity\": the DPU has one scale a tensor; allowed: false"));
  EXPECT_THAT(messages(dpu(rounded,
                           "{\"layer_type\": \"Conv2d\", \"quantizable_data_type\": [\"weights\"], "
                           "\"overall_quantize_config\": {\"bit_width\": 4}}")),
              IsEmpty());
}

TEST(DeviceRules, warn_turns_them_into_warnings) {
  const std::string text =
      dpu(rounded + ", \"weights\": {\"per_channel\": true, \"bit_width\": 4}, \"bias\": {\"bit_width\": 4}");
  EXPECT_FALSE(parse(text).ok());
  const ParsedConfiguration parsed = parse(text, Compatibility::standard, DeviceRules::warn);
  EXPECT_TRUE(parsed.ok());
  EXPECT_THAT(texts(parsed), ElementsAre(AllOf(HasSubstr(": warning: "), HasSubstr("DPU granularity")),
                                         AllOf(HasSubstr(": warning: "), HasSubstr("DPU equal widths"))));
}

TEST(DeviceRules, only_a_bias_has_32_bits_on_any_target) {
  const std::string message =
      "c.json:2:53: tensor_quantize_config.weights.bit_width: 32 for weights breaks the rule \"bias width\": "
      "only a bias "
      "has 32 bits, since its scale is input scale x weight scale; allowed: 2 to 16";
  const std::string text = cpu_model + "\"tensor_quantize_config\": {\"weights\": {\"bit_width\": 32}}}";
  EXPECT_THAT(messages(text), ElementsAre(message));
  EXPECT_THAT(texts(parse(text, Compatibility::standard, DeviceRules::warn)), ElementsAre(message));
  EXPECT_THAT(messages(cpu_model + R"("tensor_quantize_config": {"bias": {"bit_width": 32}}})"), IsEmpty());
  EXPECT_THAT(messages(cpu_model +
                       R"("tensor_quantize_config": {"weights": {"bit_width": 32, "datatype": "float16"}}})"),
              IsEmpty());
}

TEST(DeviceRules, cpu_and_gpu_take_every_combination) {
  for (const std::string target : {"CPU", "GPU"}) {
    for (const std::string method : {"maxmin", "percentile", "entropy", "mse", "diffs"}) {
      for (const std::string flags : {"true", "false"}) {
        for (const std::string scale : {"float", "power_of_two"}) {
          for (const std::string statistic : {"modal", "max", "mean", "median"}) {
            std::string text = cpu_model + "\"tensor_quantize_config\": {\"activation\": {\"method\": \"" +
                               method + "\", \"symmetry\": " + flags +
                               ", \"per_channel\": true, \"signed\": " + flags + ", \"scale_type\": \"" +
                               scale + "\", \"calib_statistic_method\": \"" + statistic + "\"}}}";
            text.replace(text.find("CPU"), 3, target);
            EXPECT_THAT(messages(text), IsEmpty()) << text;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace qcal
