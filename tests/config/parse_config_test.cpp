// What configurations mean, and what fills in for keys that are missing.
#include "config/parse_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_test_support.h"

namespace qcal {
namespace {

using config_test::configuration;
using config_test::cpu_model;
using config_test::messages;
using config_test::parse;
using config_test::read_file;
using config_test::texts;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(ParseConfig, the_example_file_means_what_ug1414_says) {
  const ParsedConfiguration parsed = parse(read_file(QCAL_TEST_DATA "/config/pytorch_quantize_config.json"));
  EXPECT_THAT(texts(parsed), IsEmpty());
  const Configuration& config = parsed.configuration;
  EXPECT_EQ(config.target_device.value, TargetDevice::cpu);
  EXPECT_FALSE(config.convert_relu6_to_relu.value);
  EXPECT_FALSE(config.include_cle.value);
  EXPECT_FALSE(config.include_bias_corr.value);
  EXPECT_FALSE(config.keep_first_last_layer_accuracy.value);
  EXPECT_FALSE(config.keep_add_layer_accuracy.value);

  for (const Role role : all_roles) {
    EXPECT_TRUE(config.quantizable[role].value);
    const TensorSettings& settings = config.tensor_settings[role];
    EXPECT_EQ(settings.bit_width.value, 8);
    EXPECT_EQ(settings.method.value, role == Role::activation ? Method::mse : Method::maxmin);
    EXPECT_EQ(settings.round_mode.value, RoundMode::half_even);
    EXPECT_TRUE(settings.symmetry.value);
    EXPECT_FALSE(settings.per_channel.value);
    EXPECT_EQ(settings.is_signed.value, Signedness::is_signed);
    EXPECT_FALSE(settings.narrow_range.value);
    EXPECT_EQ(settings.scale_type.value, ScaleType::float_scale);
    EXPECT_EQ(settings.calib_statistic_method.value, BatchStatistic::max);
  }

  ASSERT_EQ(config.layers.size(), 2u);
  const LayerIdentity other_conv{
      .name = "/layer1/Conv", .module_path = "layer1", .types = {"Conv", "Conv2d"}};
  const RoleSettings by_type = resolve(config, other_conv);
  EXPECT_TRUE(by_type[Role::weights].per_channel.value);
  EXPECT_FALSE(by_type[Role::bias].per_channel.value);
  EXPECT_EQ(by_type[Role::activation].method.value, Method::entropy);
  EXPECT_EQ(by_type[Role::activation].round_mode.value, RoundMode::half_even);
  EXPECT_EQ(by_type[Role::input].method.source.text(), "overall_quantize_config.method (c.json:15:15)");

  // The entry by name repeats every setting, so that nothing of the entry by type shows through.
  const LayerIdentity first_conv{.name = "/conv1/Conv", .module_path = "conv1", .types = {"Conv", "Conv2d"}};
  const RoleSettings by_name = resolve(config, first_conv);
  EXPECT_EQ(by_name[Role::activation].round_mode.value, RoundMode::half_up);
  EXPECT_FALSE(by_name[Role::weights].per_channel.value);
}

TEST(ParseConfig, the_shipped_configurations_have_nothing_to_complain_about) {
  for (const std::string name : {"cpu", "gpu", "dpu"})
    EXPECT_THAT(texts(parse(read_file(QCAL_MODELS "/configs/" + name + ".json"))), IsEmpty()) << name;
  const Configuration cpu = configuration(read_file(QCAL_MODELS "/configs/cpu.json"));
  EXPECT_EQ(cpu.tensor_settings[Role::activation].is_signed.value, Signedness::is_unsigned);
  EXPECT_FALSE(cpu.tensor_settings[Role::activation].symmetry.value);
  EXPECT_TRUE(cpu.tensor_settings[Role::weights].per_channel.value);
  EXPECT_EQ(cpu.tensor_settings[Role::bias].bit_width.value, 32);
  EXPECT_EQ(cpu.tensor_settings[Role::activation].calib_scope.value, CalibrationScope::accumulated);
  const Configuration gpu = configuration(read_file(QCAL_MODELS "/configs/gpu.json"));
  EXPECT_TRUE(gpu.tensor_settings[Role::activation].symmetry.value);
  EXPECT_TRUE(gpu.tensor_settings[Role::weights].per_channel.value);
  const Configuration dpu = configuration(read_file(QCAL_MODELS "/configs/dpu.json"));
  const Configuration listing = default_configuration();
  EXPECT_EQ(dpu.include_cle.value, listing.include_cle.value);
  for (const Role role : all_roles) {
    EXPECT_EQ(dpu.tensor_settings[role].method.value, listing.tensor_settings[role].method.value);
    EXPECT_EQ(dpu.tensor_settings[role].round_mode.value, listing.tensor_settings[role].round_mode.value);
  }
}

TEST(ParseConfig, values_are_matched_without_regard_to_case) {
  const Configuration config = configuration(
      R"({"target_device": "cpu", "quantizable_data_type": ["Weights"], "method": "Percentile", "scale_type": "Power_Of_Two",
          "round_mode": "HALF_UP", "calib_statistic_method": "Median", "datatype": "INT"})");
  EXPECT_EQ(config.target_device.value, TargetDevice::cpu);
  EXPECT_TRUE(config.quantizable[Role::weights].value);
  EXPECT_FALSE(config.quantizable[Role::bias].value);
  const TensorSettings& settings = config.tensor_settings[Role::weights];
  EXPECT_EQ(settings.method.value, Method::percentile);
  EXPECT_EQ(settings.scale_type.value, ScaleType::power_of_two);
  EXPECT_EQ(settings.round_mode.value, RoundMode::half_up);
  EXPECT_EQ(settings.calib_statistic_method.value, BatchStatistic::median);
}

TEST(ParseConfig, both_spellings_of_power_of_two_mean_one_thing) {
  for (const std::string spelling : {"power_of_two", "poweroftwo", "PowerOfTwo"}) {
    const Configuration config =
        configuration(R"({"target_device": "CPU", "scale_type": ")" + spelling + "\"}");
    EXPECT_EQ(config.tensor_settings[Role::bias].scale_type.value, ScaleType::power_of_two) << spelling;
  }
}

TEST(ParseConfig, the_extra_keys_are_read) {
  const Configuration config = configuration(
      R"({"$schema": "config/schema.json", "target_device": "GPU", "placement": "compute", "keep_add_layer_accuracy": true,
          "keep_first_last_layer_accuracy": true, "signed": "auto", "search_start": "levels", "percentage": 99,
          "calib_scope": "accumulated", "min_output_sqnr": 12.5, "tensor_quantize_config": {
            "bias": {"bit_width": 32}, "weights": {"datatype": "bfloat16", "search_start": 2048},
            "activation": {"percentage": 100.0, "headroom": 0.25, "search_start": 1}, "input": {"search_start": "preset"}}})");
  EXPECT_EQ(config.placement.value, Placement::compute);
  EXPECT_EQ(config.min_output_sqnr.value, 12.5);
  EXPECT_TRUE(config.keep_add_layer_accuracy.value);
  EXPECT_TRUE(config.keep_first_last_layer_accuracy.value);
  const RoleSettings& settings = config.tensor_settings;
  EXPECT_EQ(settings[Role::bias].bit_width.value, 32);
  EXPECT_EQ(settings[Role::bias].is_signed.value, Signedness::automatic);
  EXPECT_EQ(settings[Role::bias].search_start.value, (SearchStart{SearchStart::Kind::levels, 0}));
  EXPECT_EQ(settings[Role::bias].percentage.value, 99.0);
  EXPECT_EQ(settings[Role::bias].calib_scope.value, CalibrationScope::accumulated);
  EXPECT_EQ(settings[Role::weights].datatype.value, Datatype::bfloat16);
  EXPECT_EQ(settings[Role::weights].search_start.value, (SearchStart{SearchStart::Kind::bins, 2048}));
  EXPECT_EQ(settings[Role::activation].search_start.value, (SearchStart{SearchStart::Kind::bins, 1}));
  EXPECT_EQ(settings[Role::activation].percentage.value, 100.0);
  EXPECT_EQ(settings[Role::activation].headroom.value, 0.25);
  EXPECT_EQ(settings[Role::input].headroom.value, 0.0);
  EXPECT_EQ(settings[Role::input].search_start.value, SearchStart{});
}

TEST(ParseConfig, settings_without_effect_are_accepted_in_silence) {
  EXPECT_THAT(messages(cpu_model + R"("tensor_quantize_config": {
      "weights": {"narrow_range": true, "signed": false, "calib_statistic_method": "mean"},
      "activation": {"narrow_range": true, "symmetry": false, "percentage": 98}}})"),
              IsEmpty());
}

TEST(ParseConfig, a_selector_that_is_null_or_empty_is_none) {
  const Configuration config = configuration(cpu_model + R"("layer_quantize_config": [
      {"layer_type": "Conv2d", "layer_name": "", "quantizable_data_type": ["weights"]}]})");
  ASSERT_EQ(config.layers.size(), 1u);
  EXPECT_TRUE(config.layers[0].layer_type);
  EXPECT_FALSE(config.layers[0].layer_name);
}

// ---- What is missing

TEST(ParseConfig, missing_keys_are_filled_in_with_one_warning_a_block) {
  EXPECT_THAT(
      messages("{\"target_device\": \"GPU\", \"include_cle\": true,\n \"overall_quantize_config\": "
               "{\"bit_width\": 8}}"),
      ElementsAre(
          "c.json:1:1: warning: keys that UG1414 requires are missing; the default for GPU (UG1414's example "
          "file) gives convert_relu6_to_relu false, include_bias_corr false, quantizable_data_type input, "
          "weights, bias, activation",
          "c.json:2:29: warning: overall_quantize_config: keys that UG1414 requires are missing; the default "
          "for GPU (UG1414's example file) gives method maxmin, round_mode half_even, symmetry true, "
          "per_channel false, signed true, narrow_range false, scale_type float, calib_statistic_method "
          "max"));
}

TEST(ParseConfig, without_an_overall_block_its_keys_are_missing_at_the_top_level) {
  EXPECT_THAT(
      messages(
          R"({"target_device": "DPU", "quantizable_data_type": ["input", "weights", "bias", "activation"]})"),
      ElementsAre(
          "c.json:1:1: warning: keys that UG1414 requires are missing; the default for DPU (UG1414's default "
          "listing) gives convert_relu6_to_relu false, include_cle true, include_bias_corr true, bit_width "
          "8, "
          "method diffs, round_mode std_round (input, weights, bias), half_up (activation), symmetry true, "
          "per_channel false, signed true, narrow_range false, scale_type power_of_two, "
          "calib_statistic_method modal"));
}

TEST(ParseConfig, nothing_is_missing_where_no_tensor_needs_it) {
  EXPECT_THAT(messages(R"({"target_device": "CPU", "convert_relu6_to_relu": false, "include_cle": false,
      "include_bias_corr": false, "quantizable_data_type": ["weights", "bias"], "tensor_quantize_config": {
        "bias": {"datatype": "float32"},
        "weights": {"bit_width": 8, "method": "maxmin", "round_mode": "half_even", "symmetry": true,
                    "per_channel": false, "signed": true, "narrow_range": false, "scale_type": "float"}}})"),
              IsEmpty());
}

TEST(ParseConfig, vitis_fills_in_what_vai_q_pytorch_has_built_in) {
  const ParsedConfiguration parsed =
      parse(R"({"target_device": "CPU", "overall_quantize_config": {"scale_type": "float"}})",
            Compatibility::vitis);
  EXPECT_THAT(
      texts(parsed),
      ElementsAre("c.json:1:1: warning: keys that UG1414 requires are missing; the default of vai_q_pytorch "
                  "gives convert_relu6_to_relu false, include_cle true, include_bias_corr true, "
                  "quantizable_data_type input, weights, bias, activation",
                  "c.json:1:53: warning: overall_quantize_config: keys that UG1414 requires are missing; the "
                  "default of vai_q_pytorch gives bit_width 8, method diffs, round_mode std_round (input, "
                  "weights, bias), half_up (activation), symmetry true, per_channel false, signed true, "
                  "narrow_range false, calib_statistic_method modal"));
  EXPECT_EQ(parsed.configuration.tensor_settings[Role::weights].method.value, Method::diffs);
}

TEST(ParseConfig, only_the_target_has_no_default) {
  EXPECT_THAT(messages("{}"),
              ElementsAre("c.json:1:1: target_device: the key is missing; allowed: DPU, CPU, GPU"));
  EXPECT_THAT(messages("{\"method\": \"mse\"}"),
              ElementsAre("c.json:1:1: target_device: the key is missing; allowed: DPU, CPU, GPU"));
}

TEST(ParseConfig, a_list_of_no_tensors_is_worth_a_warning) {
  const std::string complete =
      R"("convert_relu6_to_relu": false, "include_cle": false, "include_bias_corr": false})";
  EXPECT_THAT(
      messages("{\"target_device\": \"CPU\", \"quantizable_data_type\": [], " + complete),
      ElementsAre("c.json:1:51: warning: quantizable_data_type: the list names no tensor type; nothing gets "
                  "quantized"));
}

TEST(ParseConfig, vitis_ignores_the_models_list_of_tensors_and_says_so) {
  const std::string all_four = R"(["input", "weights", "bias", "activation"])";
  std::string text = cpu_model + "\"tensor_quantize_config\": {}}";
  text.replace(text.find(all_four), all_four.size(), "\n[\"weights\"]");
  const ParsedConfiguration parsed = parse(text, Compatibility::vitis);
  EXPECT_THAT(texts(parsed),
              ElementsAre("c.json:2:1: warning: quantizable_data_type: vai_q_pytorch ignores this list; "
                          "input, bias, activation get quantized all the same"));
  for (const Role role : all_roles) EXPECT_TRUE(parsed.configuration.quantizable[role].value);
}

}  // namespace
}  // namespace qcal
