#include "config/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/json_text.h"
#include "config/setting_table.h"
#include "config_test_support.h"

namespace qcal {
namespace {

using config_test::configuration;
using config_test::cpu_model;
using config_test::parse;
using config_test::read_file;
using testing::HasSubstr;

const json::Value& member(const json::Value& value, std::string_view key) {
  const json::Member* found = value.find(key);
  if (found == nullptr) throw std::runtime_error("no member " + std::string(key));
  return found->value;
}

json::Value tree(const std::string& text) {
  json::Parsed parsed = json::parse(text);
  EXPECT_TRUE(parsed.root) << text;
  EXPECT_TRUE(parsed.problems.empty()) << text;
  return parsed.root.value_or(json::Value{});
}

void expect_same_values(const TensorSettings& left, const TensorSettings& right) {
  for_each_tensor_setting([&](const auto& setting) {
    EXPECT_EQ((left.*setting.resolved).value, (right.*setting.resolved).value) << setting.key;
  });
}

void expect_same_values(const Configuration& left, const Configuration& right) {
  for_each_model_setting([&](const auto& setting) {
    EXPECT_EQ((left.*setting.value).value, (right.*setting.value).value) << setting.key;
  });
  for (const Role role : all_roles) {
    EXPECT_EQ(left.quantizable[role].value, right.quantizable[role].value);
    expect_same_values(left.tensor_settings[role], right.tensor_settings[role]);
  }
  ASSERT_EQ(left.layers.size(), right.layers.size());
}

const std::string rich = cpu_model + R"("tensor_quantize_config": {
    "weights": {"signed": "auto", "search_start": "levels", "percentage": 99.9, "method": "percentile"},
    "bias": {"bit_width": 32, "datatype": "bfloat16", "search_start": 1536}},
  "layer_quantize_config": [
    {"layer_type": "torch.nn.Conv2d", "layer_name": null, "quantizable_data_type": ["weights", "activation"],
     "overall_quantize_config": {"bit_width": 4}, "tensor_quantize_config": {"weights": {"per_channel": true}}},
    {"layer_name": "/layer1/*", "quantizable_data_type": ["activation"], "overall_quantize_config": {"method": "mse"}}],
  "placement": "fused", "keep_add_layer_accuracy": true})";

TEST(DescribeJson, settings_have_value_and_source) {
  const json::Value settings = tree(settings_json(configuration(rich).tensor_settings[Role::weights]));
  ASSERT_EQ(settings.members.size(), 14u);
  EXPECT_EQ(member(member(settings, "bit_width"), "value").text, "8");
  EXPECT_EQ(member(member(settings, "bit_width"), "source").text,
            "overall_quantize_config.bit_width (c.json:1:218)");
  EXPECT_EQ(member(member(settings, "signed"), "value").text, "auto");
  EXPECT_EQ(member(member(settings, "search_start"), "value").text, "levels");
  EXPECT_EQ(member(member(settings, "percentage"), "value").text, "99.9");
  EXPECT_FALSE(member(member(settings, "per_channel"), "value").boolean);
  EXPECT_EQ(member(member(settings, "calib_scope"), "source").text, "default");
}

TEST(DescribeJson, compact_settings_are_the_values_alone) {
  EXPECT_EQ(
      compact_settings_json(configuration(rich).tensor_settings[Role::bias]),
      R"({"datatype":"bfloat16","bit_width":32,"method":"maxmin","round_mode":"half_even","symmetry":true,)"
      R"("per_channel":false,"signed":true,"narrow_range":false,"scale_type":"float",)"
      R"("calib_statistic_method":"max","percentage":99.99,"calib_scope":"per_batch","headroom":0.0,"search_start":1536})");
}

TEST(DescribeJson, has_the_shape_that_explain_prints) {
  const json::Value all = tree(describe_json(configuration(rich)));
  EXPECT_EQ(member(all, "target_device").text, "CPU");
  EXPECT_EQ(member(all, "target_device_source").text, "target_device (c.json:1:19)");
  EXPECT_FALSE(member(member(member(all, "transforms"), "include_cle"), "value").boolean);
  EXPECT_EQ(member(member(member(all, "transforms"), "include_cle"), "source").text,
            "include_cle (c.json:1:73)");
  EXPECT_TRUE(member(member(member(all, "transforms"), "keep_add_layer_accuracy"), "value").boolean);
  EXPECT_EQ(member(member(all, "transforms"), "include_cle").members.size(), 2u);
  EXPECT_EQ(member(member(all, "placement"), "value").text, "fused");
  EXPECT_EQ(member(member(all, "min_output_sqnr"), "value").text, "20.0");
  EXPECT_EQ(member(member(all, "min_output_sqnr"), "source").text, "default");
  EXPECT_TRUE(member(member(member(all, "quantizable_data_type"), "bias"), "value").boolean);
  for (const std::string role : {"input", "weights", "bias", "activation"})
    EXPECT_EQ(member(member(all, "tensor_settings"), role).members.size(), 14u);

  const std::vector<json::Value>& layers = member(all, "layers").elements;
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(member(layers[0], "layer_type").text, "torch.nn.Conv2d");
  EXPECT_EQ(layers[0].find("layer_name"), nullptr);
  EXPECT_EQ(member(layers[0], "source").text, "layer_quantize_config[0] (c.json:6:5)");
  const json::Value& settings = member(layers[0], "tensor_settings");
  ASSERT_EQ(settings.members.size(), 2u);  // the roles that the entry overrides
  EXPECT_EQ(member(member(member(settings, "weights"), "bit_width"), "value").text, "4");
  EXPECT_TRUE(member(member(member(settings, "weights"), "per_channel"), "value").boolean);
  EXPECT_EQ(member(member(member(settings, "weights"), "method"), "value").text, "percentile");
  EXPECT_EQ(member(layers[1], "layer_name").text, "/layer1/*");
}

TEST(DescribeJson, takes_more_members) {
  const json::Value all = tree(describe_json(default_configuration(), "\"tensors\":[1,2]"));
  EXPECT_EQ(member(all, "tensors").elements.size(), 2u);
  EXPECT_EQ(member(all, "target_device").text, "DPU");
}

TEST(DescribeJson, is_json_whatever_bytes_a_file_name_has) {
  const ParsedConfiguration parsed =
      parse_config("{\"target_device\": \"CPU\"}", {.file = "a\xFF\"\n\xC3.json"});
  const json::Value all = tree(describe_json(parsed.configuration));
  EXPECT_EQ(member(all, "target_device_source").text,
            "target_device (a\xEF\xBF\xBD\"\n\xEF\xBF\xBD.json:1:19)");
}

TEST(ConfigurationJson, reads_back_to_the_same_values) {
  const std::vector<std::string> files{rich, read_file(QCAL_TEST_DATA "/config/pytorch_quantize_config.json"),
                                       read_file(QCAL_TEST_DATA "/config/default_listing.json"),
                                       read_file(QCAL_MODELS "/configs/cpu.json")};
  for (const std::string& file : files) {
    for (const Compatibility compatibility : {Compatibility::standard, Compatibility::vitis}) {
      const Configuration original = configuration(file, compatibility);
      const std::string written = configuration_json(original);
      const ParsedConfiguration again = parse(written, compatibility);
      EXPECT_TRUE(again.ok());
      for (const std::string& text : config_test::texts(again))
        EXPECT_THAT(text, HasSubstr("DPU activation rounding"));
      expect_same_values(original, again.configuration);
      const RoleSettings before = resolve(original, config_test::conv1);
      const RoleSettings after = resolve(again.configuration, config_test::conv1);
      for (const Role role : all_roles) expect_same_values(before[role], after[role]);
      EXPECT_EQ(configuration_json(again.configuration), written);
    }
  }
}

TEST(DescribeText, lines_up_setting_value_and_source) {
  EXPECT_EQ(describe_text(default_configuration().tensor_settings[Role::activation], "  "),
            "  datatype                int           default\n"
            "  bit_width               8             default for DPU (UG1414's default listing)\n"
            "  method                  diffs         default for DPU (UG1414's default listing)\n"
            "  round_mode              half_up       default tensor_quantize_config.activation.round_mode "
            "(the DPU rounds "
            "activations half_up)\n"
            "  symmetry                true          default for DPU (UG1414's default listing)\n"
            "  per_channel             false         default for DPU (UG1414's default listing)\n"
            "  signed                  true          default for DPU (UG1414's default listing)\n"
            "  narrow_range            false         default for DPU (UG1414's default listing)\n"
            "  scale_type              power_of_two  default for DPU (UG1414's default listing)\n"
            "  calib_statistic_method  modal         default for DPU (UG1414's default listing)\n"
            "  percentage              99.99         default\n"
            "  calib_scope             per_batch     default\n"
            "  headroom                0             default\n"
            "  search_start            preset        default\n");
}

TEST(DescribeText, shows_model_roles_and_layers) {
  const std::string text = describe_text(configuration(rich));
  EXPECT_THAT(text, HasSubstr("target_device                   CPU    target_device (c.json:1:19)\n"));
  EXPECT_THAT(text, HasSubstr("placement                       fused  placement (c.json:9:16)\n"));
  EXPECT_THAT(text, HasSubstr("\nbias, quantized: quantizable_data_type[2] (c.json:1:154)\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "  search_start            1536       tensor_quantize_config.bias.search_start (c.json:4:71)\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "\nlayer_type torch.nn.Conv2d, layer_quantize_config[0] (c.json:6:5), overrides weights "
          "activation\n"
          "  overall.bit_width    4     layer_quantize_config[0].overall_quantize_config.bit_width "
          "(c.json:7:47)\n"
          "  weights.per_channel  true  layer_quantize_config[0].tensor_quantize_config.weights.per_channel "
          "(c.json:7:105)\n"));
  EXPECT_THAT(
      text,
      HasSubstr("\nlayer_name /layer1/*, layer_quantize_config[1] (c.json:8:5), overrides activation\n"));
}

}  // namespace
}  // namespace qcal
