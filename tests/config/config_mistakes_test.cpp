// Configurations with mistakes: every one is told, with its place and what is allowed, and none is misread.
#include "config/parse_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_test_support.h"

namespace qcal {
namespace {

using config_test::cpu_model;
using config_test::messages;
using config_test::parse;
using config_test::read_file;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string top_level_keys =
    "target_device, convert_relu6_to_relu, include_cle, include_bias_corr, keep_first_last_layer_accuracy, "
    "keep_add_layer_accuracy, placement, min_output_sqnr, quantizable_data_type, overall_quantize_config, "
    "tensor_quantize_config, "
    "layer_quantize_config, $schema";
const std::string tensor_keys =
    "datatype, bit_width, method, round_mode, symmetry, per_channel, signed, narrow_range, scale_type, "
    "calib_statistic_method, percentage, calib_scope, headroom, search_start";
const std::string entry_keys =
    "layer_type, layer_name, quantizable_data_type, overall_quantize_config, tensor_quantize_config";

TEST(ConfigMistakes, unknown_targets_are_refused) {
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

TEST(ConfigMistakes, unknown_keys_are_errors_with_the_nearest_known_key) {
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

TEST(ConfigMistakes, known_keys_in_the_wrong_place_are_sent_home) {
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

TEST(ConfigMistakes, wrong_values_are_told_with_the_allowed_ones) {
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
  EXPECT_THAT(messages("{\"target_device\": \"CPU\", \"min_output_sqnr\": -1}"),
              Contains("c.json:1:45: min_output_sqnr: -1 is not allowed; allowed: a number, 0 or more"));
  EXPECT_EQ(message("headroom", "1.5"), "headroom: 1.5 is not allowed; allowed: a number from 0 to 1");
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

TEST(ConfigMistakes, bit_widths_are_refused_with_the_reason) {
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

TEST(ConfigMistakes, blocks_of_the_wrong_kind_are_refused) {
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

TEST(ConfigMistakes, tensor_settings_stand_in_one_place) {
  EXPECT_THAT(
      messages(cpu_model + "\"bit_width\": 8, \"method\": \"mse\"}"),
      ElementsAre("c.json:2:1: bit_width: bit_width, method at the top level and overall_quantize_config "
                  "(c.json:1:204) both set the model's tensor settings; keep one of the two"));
}

TEST(ConfigMistakes, syntax_errors_and_repeated_keys_have_a_place) {
  EXPECT_THAT(messages("{\n  \"target_device\": \"CPU\"\n  \"method\": \"mse\"}"),
              ElementsAre("c.json:3:3: expected , or } after the value"));
  EXPECT_THAT(messages(""), ElementsAre("c.json:1:1: the file is empty; expected an object: { ... }"));
  EXPECT_THAT(
      messages(cpu_model + "\"tensor_quantize_config\": {\"bias\": {}, \"bias\": {\"foo\": 1}}}"),
      ElementsAre("c.json:2:40: tensor_quantize_config.bias: the key repeats; it stands at 2:28 already"));
  EXPECT_THAT(messages(cpu_model + "\"a\\nb\": 1}"),
              ElementsAre("c.json:2:1: [\"a\\u000ab\"]: unknown key; allowed: " + top_level_keys));
}

TEST(ConfigMistakes, layer_entries_are_checked) {
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

TEST(ConfigMistakes, nothing_is_concluded_from_what_has_a_mistake) {
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

TEST(ConfigMistakes, settings_of_a_tensor_that_is_not_quantized_have_no_effect) {
  std::string text = cpu_model + R"("tensor_quantize_config": {"bias": {"bit_width": 4}}})";
  text.replace(text.find("\"bias\", "), 8, "");
  EXPECT_THAT(messages(text),
              ElementsAre("c.json:2:28: warning: tensor_quantize_config.bias: no effect, because "
                          "quantizable_data_type does not list bias"));
}

// Cut or with a byte replaced in many places, the example file is read or refused, but never worse.
TEST(ConfigMistakes, damaged_files_are_survived) {
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

TEST(ConfigMistakes, a_layer_cannot_quantize_what_the_model_does_not) {
  std::string text = cpu_model;
  text.replace(text.find("\"bias\", "), 8, "");
  EXPECT_THAT(
      messages(text +
               R"("layer_quantize_config": [{"layer_type": "Conv", "quantizable_data_type": ["bias"]}]})"),
      ElementsAre(
          "c.json:2:76: warning: layer_quantize_config[0].quantizable_data_type[0]: no effect, because "
          "the model's quantizable_data_type does not list bias"));
}

TEST(ConfigMistakes, every_problem_is_told_in_one_run_and_in_order) {
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
