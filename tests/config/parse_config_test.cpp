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

const std::string top_level_keys =
    "target_device, convert_relu6_to_relu, include_cle, include_bias_corr, keep_first_last_layer_accuracy, "
    "keep_add_layer_accuracy, placement, quantizable_data_type, overall_quantize_config, "
    "tensor_quantize_config, "
    "layer_quantize_config, $schema";
const std::string tensor_keys =
    "datatype, bit_width, method, round_mode, symmetry, per_channel, signed, narrow_range, scale_type, "
    "calib_statistic_method, percentage, calib_scope, search_start";
const std::string entry_keys =
    "layer_type, layer_name, quantizable_data_type, overall_quantize_config, tensor_quantize_config";

// ---- What is accepted

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
          "calib_scope": "accumulated", "tensor_quantize_config": {
            "bias": {"bit_width": 32}, "weights": {"datatype": "bfloat16", "search_start": 2048},
            "activation": {"percentage": 100.0, "search_start": 1}, "input": {"search_start": "preset"}}})");
  EXPECT_EQ(config.placement.value, Placement::compute);
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

// ---- What is wrong

TEST(ParseConfig, unknown_targets_are_refused) {
  const std::string allowed = " is not allowed; allowed: DPU, CPU, GPU";
  EXPECT_THAT(messages("{\"target_device\": \"FLEXML\"}"),
              ElementsAre("c.json:1:19: target_device: \"FLEXML\"" + allowed));
  EXPECT_THAT(messages("{\"target_device\": \"TPU\"}"),
              ElementsAre("c.json:1:19: target_device: \"TPU\"" + allowed + "; did you mean DPU?"));
  EXPECT_THAT(messages("{\"target_device\": \"\"}"),
              ElementsAre("c.json:1:19: target_device: \"\"" + allowed));
  EXPECT_THAT(messages("{\"target_device\": null}"),
              ElementsAre("c.json:1:19: target_device: null" + allowed));
}

TEST(ParseConfig, unknown_keys_are_errors_with_the_nearest_known_key) {
  EXPECT_THAT(
      messages(cpu_model +
               "\"overall_quantizer_config\": {},\n"
               "\"tensor_quantize_config\": {\"weight\": {}, \"bias\": {\"bits\": 4}},\n"
               "\"layer_quantize_config\": [{\"layer_type\": \"Conv2d\", \"quantizable_data_type\": "
               "[\"bias\"], \"layername\": null}]}"),
      ElementsAre("c.json:2:1: overall_quantizer_config: unknown key; allowed: " + top_level_keys +
                      "; did you mean overall_quantize_config?",
                  "c.json:3:28: tensor_quantize_config.weight: unknown key; allowed: input, weights, bias, "
                  "activation; did you mean weights?",
                  "c.json:3:51: tensor_quantize_config.bias.bits: unknown key; allowed: " + tensor_keys +
                      "; did you mean bit_width?",
                  "c.json:4:87: layer_quantize_config[0].layername: unknown key; allowed: " + entry_keys +
                      "; did you mean layer_name?"));
  EXPECT_THAT(
      messages(cpu_model + "\"tensor_quantize_config\": {\"bias\": {\"foo\": 4}}}"),
      ElementsAre("c.json:2:37: tensor_quantize_config.bias.foo: unknown key; allowed: " + tensor_keys));
}

TEST(ParseConfig, known_keys_in_the_wrong_place_are_sent_home) {
  EXPECT_THAT(
      messages(cpu_model +
               "\"weights\": {}, \"layer_name\": 1,\n"
               "\"tensor_quantize_config\": {\"bit_width\": 4, \"bias\": {\"include_cle\": true}}}"),
      ElementsAre(
          "c.json:2:1: weights: the key belongs in tensor_quantize_config; allowed here: " + top_level_keys,
          "c.json:2:16: layer_name: the key belongs in an entry of layer_quantize_config; allowed here: " +
              top_level_keys,
          "c.json:3:28: tensor_quantize_config.bit_width: the key belongs in overall_quantize_config or a "
          "tensor of tensor_quantize_config; allowed here: input, weights, bias, activation",
          "c.json:3:53: tensor_quantize_config.bias.include_cle: the key belongs in the top level of the "
          "file; allowed here: " +
              tensor_keys));
}

TEST(ParseConfig, wrong_values_are_told_with_the_allowed_ones) {
  const auto message = [](const std::string& key, const std::string& value) {
    const std::vector<std::string> all =
        messages(cpu_model + "\"tensor_quantize_config\": {\"bias\": {\"" + key + "\": " + value + "}}}");
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? "" : all.front().substr(all.front().find(key));
  };
  EXPECT_EQ(message("method", "\"entrpy\""),
            "method: \"entrpy\" is not allowed; allowed: maxmin, percentile, entropy, mse, diffs; did you "
            "mean entropy?");
  EXPECT_EQ(message("method", "null"),
            "method: null is not allowed; allowed: maxmin, percentile, entropy, mse, diffs");
  EXPECT_EQ(message("round_mode", "3"),
            "round_mode: 3 is not allowed; allowed: half_even, half_up, half_down, std_round");
  EXPECT_EQ(message("scale_type", "\"pow2\""),
            "scale_type: \"pow2\" is not allowed; allowed: float, power_of_two, poweroftwo; did you mean "
            "power_of_two?");
  EXPECT_EQ(message("datatype", "\"int8\""),
            "datatype: \"int8\" is not allowed; allowed: int, float16, bfloat16, float32; did you mean int?");
  EXPECT_EQ(message("calib_scope", "[]"),
            "calib_scope: an array is not allowed; allowed: per_batch, accumulated");
  EXPECT_EQ(message("calib_statistic_method", "{}"),
            "calib_statistic_method: an object is not allowed; allowed: modal, max, mean, median");
  EXPECT_EQ(message("symmetry", "\"False\""),
            "symmetry: \"False\" is not allowed; allowed: true, false; did you mean false?");
  EXPECT_EQ(message("narrow_range", "0"),
            "narrow_range: 0 is not allowed; allowed: true, false; did you mean false?");
  EXPECT_EQ(message("per_channel", "1"),
            "per_channel: 1 is not allowed; allowed: true, false; did you mean true?");
  EXPECT_EQ(message("signed", "\"TRUE\""),
            "signed: \"TRUE\" is not allowed; allowed: true, false, \"auto\"; did you mean true?");
  EXPECT_EQ(message("percentage", "0"),
            "percentage: 0 is not allowed; allowed: a number above 0 and up to 100");
  EXPECT_EQ(message("percentage", "100.5"),
            "percentage: 100.5 is not allowed; allowed: a number above 0 and up to 100");
  EXPECT_EQ(message("percentage", "\"99\""),
            "percentage: \"99\" is not allowed; allowed: a number above 0 and up to 100; did you mean 99?");
  EXPECT_EQ(message("search_start", "0"),
            "search_start: 0 is not allowed; allowed: \"preset\", \"levels\", or bins from 1 to 2048");
  EXPECT_EQ(message("search_start", "2049"),
            "search_start: 2049 is not allowed; allowed: \"preset\", \"levels\", or bins from 1 to 2048");
  EXPECT_EQ(message("search_start", "\"level\""),
            "search_start: \"level\" is not allowed; allowed: \"preset\", \"levels\", or bins from 1 to "
            "2048; did you "
            "mean levels?");
  EXPECT_EQ(message("method", "\"" + std::string(100, 'x') + "\""),
            "method: \"" + std::string(60, 'x') +
                "...\" is not allowed; allowed: maxmin, percentile, entropy, mse, diffs");
}

TEST(ParseConfig, bit_widths_are_refused_with_the_reason) {
  const auto message = [](const std::string& value) {
    const std::vector<std::string> all =
        messages(cpu_model + "\"tensor_quantize_config\": {\"bias\": {\"bit_width\": " + value + "}}}");
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? "" : all.front();
  };
  const std::string start = "c.json:2:50: tensor_quantize_config.bias.bit_width: ";
  const std::string allowed = " is not allowed; allowed: 2 to 16, or 32 for bias";
  EXPECT_EQ(message("0"),
            start + "0" + allowed + "; to leave a tensor in float set \"datatype\": \"float32\"");
  EXPECT_EQ(message("-4"),
            start + "-4" + allowed + "; to leave a tensor in float set \"datatype\": \"float32\"");
  EXPECT_EQ(message("1"), start + "1" + allowed + "; one bit leaves no positive value to scale by");
  EXPECT_EQ(message("17"),
            start + "17" + allowed + "; no ONNX integer type of that size but a bias' 32 bits exists");
  EXPECT_EQ(message("33"), start + "33" + allowed + "; integer kernels accumulate in 32 bits");
  EXPECT_EQ(message("8.5"), start + "8.5" + allowed);
  EXPECT_EQ(message("\"8\""), start + "\"8\"" + allowed + "; did you mean 8?");
  EXPECT_EQ(message("true"), start + "true" + allowed);
  for (const std::string width : {"2", "16", "32", "8.0"}) {
    EXPECT_THAT(
        messages(cpu_model + "\"tensor_quantize_config\": {\"bias\": {\"bit_width\": " + width + "}}}"),
        IsEmpty());
  }
}

TEST(ParseConfig, blocks_of_the_wrong_kind_are_refused) {
  EXPECT_THAT(
      messages("{\"target_device\": \"CPU\", \"quantizable_data_type\": \"weights\",\n"
               "\"convert_relu6_to_relu\": \"no\", \"include_cle\": false, \"include_bias_corr\": false,\n"
               "\"overall_quantize_config\": [],\n\"tensor_quantize_config\": null,\n"
               "\"layer_quantize_config\": {}, \"placement\": \"group\"}"),
      ElementsAre(
          "c.json:1:51: quantizable_data_type: \"weights\" is not allowed; allowed: an array of input, "
          "weights, bias, activation",
          "c.json:2:26: convert_relu6_to_relu: \"no\" is not allowed; allowed: true, false",
          "c.json:3:28: overall_quantize_config: an array is not allowed; allowed: an object",
          "c.json:4:27: tensor_quantize_config: null is not allowed; allowed: an object",
          "c.json:5:26: layer_quantize_config: an object is not allowed; allowed: an array of objects",
          "c.json:5:43: placement: \"group\" is not allowed; allowed: groups, compute, fused; did you "
          "mean groups?"));
  EXPECT_THAT(messages("[]"),
              ElementsAre("c.json:1:1: an array is not allowed; allowed: an object: { ... }"));
  EXPECT_THAT(messages("\"{}\""),
              ElementsAre("c.json:1:1: \"{}\" is not allowed; allowed: an object: { ... }"));
}

TEST(ParseConfig, tensor_settings_stand_in_one_place) {
  EXPECT_THAT(
      messages(cpu_model + "\"bit_width\": 8, \"method\": \"mse\"}"),
      ElementsAre("c.json:2:1: bit_width: bit_width, method at the top level and overall_quantize_config "
                  "(c.json:1:204) both set the model's tensor settings; keep one of the two"));
}

TEST(ParseConfig, syntax_errors_and_repeated_keys_have_a_place) {
  EXPECT_THAT(messages("{\n  \"target_device\": \"CPU\"\n  \"method\": \"mse\"}"),
              ElementsAre("c.json:3:3: expected , or } after the value"));
  EXPECT_THAT(messages(""), ElementsAre("c.json:1:1: the file is empty; expected an object: { ... }"));
  EXPECT_THAT(
      messages(cpu_model + "\"tensor_quantize_config\": {\"bias\": {}, \"bias\": {\"foo\": 1}}}"),
      ElementsAre("c.json:2:40: tensor_quantize_config.bias: the key repeats; it stands at 2:28 already"));
  EXPECT_THAT(messages(cpu_model + "\"a\\nb\": 1}"),
              ElementsAre("c.json:2:1: [\"a\\u000ab\"]: unknown key; allowed: " + top_level_keys));
}

TEST(ParseConfig, layer_entries_are_checked) {
  EXPECT_THAT(
      messages(cpu_model +
               "\"layer_quantize_config\": [\n"
               "{\"layer_type\": 3, \"quantizable_data_type\": [\"weights\"]},\n"
               "\"Conv2d\",\n"
               "{\"layer_type\": null, \"layer_name\": \"\", \"quantizable_data_type\": [\"weights\"]},\n"
               "{\"layer_type\": \"Conv2d\", \"layer_name\": \"x\", \"quantizable_data_type\": [\"bias\"]},\n"
               "{\"layer_name\": \"x\"},\n"
               "{\"layer_name\": \"y\", \"quantizable_data_type\": []},\n"
               "{\"layer_name\": \"z\", \"quantizable_data_type\": [\"bias\", \"Bias\"],\n"
               " \"tensor_quantize_config\": {\"weights\": {\"bit_width\": 1}}},\n"
               "{\"layer_name\": \"x\", \"quantizable_data_type\": [\"bias\"]},\n"
               "{\"layer_type\": \"torch.nn.Conv2d\", \"quantizable_data_type\": [\"bias\"]}]}"),
      ElementsAre(
          "c.json:3:16: layer_quantize_config[0].layer_type: 3 is not allowed; allowed: a string or null",
          "c.json:4:1: layer_quantize_config[1]: \"Conv2d\" is not allowed; allowed: an object",
          "c.json:5:1: layer_quantize_config[2]: the entry selects no layer; give layer_type or layer_name",
          "c.json:6:40: warning: layer_quantize_config[3].layer_name: ignored, because the entry has a "
          "layer_type too "
          "and selects by that, as in vai_q_pytorch; set one of the two to null",
          "c.json:7:1: warning: layer_quantize_config[4]: quantizable_data_type is missing; the entry "
          "applies to input, "
          "weights, bias and activation",
          "c.json:8:1: warning: layer_quantize_config[5]: no effect, because quantizable_data_type lists no "
          "tensor type",
          "c.json:10:29: warning: layer_quantize_config[6].tensor_quantize_config.weights: no effect, "
          "because quantizable_data_type does not list weights",
          "c.json:10:54: layer_quantize_config[6].tensor_quantize_config.weights.bit_width: 1 is not "
          "allowed; allowed: "
          "2 to 16, or 32 for bias; one bit leaves no positive value to scale by",
          "c.json:11:16: warning: layer_quantize_config[7].layer_name: selects the same layers as "
          "layer_quantize_config[4].layer_name (c.json:7:16); this later entry wins",
          "c.json:12:16: warning: layer_quantize_config[8].layer_type: selects the same layers as "
          "layer_quantize_config[3].layer_type (c.json:6:16); this later entry wins"));
}

TEST(ParseConfig, nothing_is_concluded_from_what_has_a_mistake) {
  // Neither "method is missing", nor "weights is not listed".
  EXPECT_THAT(
      messages(R"({"target_device": "CPU", "convert_relu6_to_relu": false, "include_cle": false,
"include_bias_corr": 0, "quantizable_data_type": ["wieghts"], "bit_width": 8, "method": 1, "round_mode": "half_even",
"symmetry": true, "per_channel": false, "signed": true, "narrow_range": false, "scale_type": "float",
"calib_statistic_method": "max", "tensor_quantize_config": {"weights": {"bit_width": 4}}, "layer_quantize_config": [
{"layer_type": "Conv", "quantizable_data_type": ["weights", "bais"], "tensor_quantize_config": {"bias": {}}}]})"),
      ElementsAre(
          "c.json:2:22: include_bias_corr: 0 is not allowed; allowed: true, false; did you mean false?",
          "c.json:2:51: quantizable_data_type[0]: \"wieghts\" is not allowed; allowed: input, weights, "
          "bias, activation; did you mean weights?",
          "c.json:2:89: method: 1 is not allowed; allowed: maxmin, percentile, entropy, mse, diffs",
          "c.json:5:61: layer_quantize_config[0].quantizable_data_type[1]: \"bais\" is not allowed; "
          "allowed: input, weights, bias, activation; did you mean bias?"));
}

TEST(ParseConfig, settings_of_a_tensor_that_is_not_quantized_have_no_effect) {
  std::string text = cpu_model + R"("tensor_quantize_config": {"bias": {"bit_width": 4}}})";
  text.replace(text.find("\"bias\", "), 8, "");
  EXPECT_THAT(messages(text),
              ElementsAre("c.json:2:28: warning: tensor_quantize_config.bias: no effect, because "
                          "quantizable_data_type does not list bias"));
}

// Cut or with a byte replaced in many places, the example file is read or refused, but never worse.
TEST(ParseConfig, damaged_files_are_survived) {
  const std::string whole = read_file(QCAL_TEST_DATA "/config/pytorch_quantize_config.json");
  for (std::size_t length = 0; length + 2 < whole.size(); length += 3)
    EXPECT_FALSE(parse(std::string_view(whole).substr(0, length)).ok()) << length;
  for (std::size_t at = 0; at < whole.size(); at += 7) {
    for (const char byte : {'"', '{', ']', '\\', '/', '0', '\n', '\x7F', '\x80', '\xC3'}) {
      std::string damaged = whole;
      damaged[at] = byte;
      for (const Diagnostic& diagnostic : parse(damaged).diagnostics) EXPECT_GT(diagnostic.where.line, 0);
    }
  }
}

TEST(ParseConfig, a_layer_cannot_quantize_what_the_model_does_not) {
  std::string text = cpu_model;
  text.replace(text.find("\"bias\", "), 8, "");
  EXPECT_THAT(
      messages(text +
               R"("layer_quantize_config": [{"layer_type": "Conv", "quantizable_data_type": ["bias"]}]})"),
      ElementsAre(
          "c.json:2:76: warning: layer_quantize_config[0].quantizable_data_type[0]: no effect, because "
          "the model's quantizable_data_type does not list bias"));
}

TEST(ParseConfig, every_problem_is_told_in_one_run_and_in_order) {
  EXPECT_THAT(
      messages("{\"tensor_quantize_config\": {\"weights\": {\"method\": \"msee\"}},\n"
               "\"include_cle\": 1, \"target_device\": \"NPU\",\n"
               "\"layer_quantize_config\": [{}], \"bit_width\": 99, \"bit_width\": 8}"),
      ElementsAre(
          "c.json:1:51: tensor_quantize_config.weights.method: \"msee\" is not allowed; allowed: maxmin, "
          "percentile, entropy, mse, diffs; did you mean mse?",
          "c.json:2:16: include_cle: 1 is not allowed; allowed: true, false; did you mean true?",
          "c.json:2:36: target_device: \"NPU\" is not allowed; allowed: DPU, CPU, GPU; did you mean DPU?",
          "c.json:3:27: layer_quantize_config[0]: the entry selects no layer; give layer_type or "
          "layer_name",
          "c.json:3:27: warning: layer_quantize_config[0]: quantizable_data_type is missing; the entry "
          "applies to input, weights, bias and activation",
          "c.json:3:45: bit_width: 99 is not allowed; allowed: 2 to 16, or 32 for bias; integer kernels "
          "accumulate in 32 bits",
          "c.json:3:49: bit_width: the key repeats; it stands at 3:32 already"));
}

TEST(Diagnostic, leaves_out_what_it_does_not_know) {
  EXPECT_EQ((Diagnostic{Severity::error, {"a.b", "f.json", 3, 4}, "bad"}.text()), "f.json:3:4: a.b: bad");
  EXPECT_EQ((Diagnostic{Severity::warning, {"a.b", "f.json", 3, 4}, "odd"}.text()),
            "f.json:3:4: warning: a.b: odd");
  EXPECT_EQ((Diagnostic{Severity::error, {"", "f.json", 3, 4}, "bad"}.text()), "f.json:3:4: bad");
  EXPECT_EQ((Diagnostic{Severity::error, {"a", "", 3, 4}, "bad"}.text()), "3:4: a: bad");
  EXPECT_EQ((Diagnostic{Severity::warning, {}, "odd"}.text()), "warning: odd");
}

}  // namespace
}  // namespace qcal
