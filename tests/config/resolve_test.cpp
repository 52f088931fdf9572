#include "config/resolve.h"

#include <gtest/gtest.h>

#include "config_test_support.h"

namespace qcal {
namespace {

using config_test::configuration;
using config_test::conv1;
using config_test::cpu_model;

TensorSettings resolved(const std::string& text, Role role,
                        Compatibility compatibility = Compatibility::standard) {
  return resolve(configuration(text, compatibility), conv1)[role];
}

// Each level sets one setting more than the one above it, down to the strongest.
TEST(Resolve, six_levels_in_order) {
  const Configuration config = configuration(R"({"target_device": "GPU",
 "overall_quantize_config": {"method": "mse", "bit_width": 3, "round_mode": "half_up", "percentage": 1, "symmetry": false,
                             "narrow_range": true},
 "tensor_quantize_config": {"weights": {"bit_width": 4, "round_mode": "half_down", "percentage": 2, "symmetry": true,
                                        "narrow_range": false}},
 "layer_quantize_config": [
 {"layer_name": "/layer1/*", "quantizable_data_type": ["weights"],
  "overall_quantize_config": {"symmetry": false, "narrow_range": true},
  "tensor_quantize_config": {"weights": {"narrow_range": true}}},
 {"layer_type": "Conv2d", "quantizable_data_type": ["weights"],
  "overall_quantize_config": {"round_mode": "std_round", "percentage": 3, "symmetry": true, "narrow_range": false},
  "tensor_quantize_config": {"weights": {"percentage": 4, "symmetry": true, "narrow_range": false}}}
 ]})");
  const TensorSettings weights = resolve(config, conv1)[Role::weights];
  EXPECT_EQ(weights.scale_type.source.text(), "default for GPU (UG1414's example file)");
  EXPECT_EQ(weights.scale_type.value, ScaleType::float_scale);
  EXPECT_EQ(weights.method.source.text(), "overall_quantize_config.method (c.json:2:40)");
  EXPECT_EQ(weights.method.value, Method::mse);
  EXPECT_EQ(weights.bit_width.source.text(), "tensor_quantize_config.weights.bit_width (c.json:4:54)");
  EXPECT_EQ(weights.bit_width.value, 4);
  EXPECT_EQ(weights.round_mode.source.text(),
            "layer_quantize_config[1].overall_quantize_config.round_mode (c.json:11:45)");
  EXPECT_EQ(weights.round_mode.value, RoundMode::std_round);
  EXPECT_EQ(weights.percentage.source.text(),
            "layer_quantize_config[1].tensor_quantize_config.weights.percentage (c.json:12:56)");
  EXPECT_EQ(weights.percentage.value, 4);
  EXPECT_EQ(weights.symmetry.source.text(),
            "layer_quantize_config[0].overall_quantize_config.symmetry (c.json:8:43)");
  EXPECT_FALSE(weights.symmetry.value);
  EXPECT_EQ(weights.narrow_range.source.text(),
            "layer_quantize_config[0].tensor_quantize_config.weights.narrow_range (c.json:9:58)");
  EXPECT_TRUE(weights.narrow_range.value);
}

TEST(Resolve, among_equals_the_later_entry_wins_setting_by_setting) {
  const std::string text = cpu_model + R"("layer_quantize_config": [
      {"layer_type": "Conv", "quantizable_data_type": ["weights"],
       "overall_quantize_config": {"bit_width": 4, "method": "mse"}},
      {"layer_type": "torch.nn.Conv2d", "quantizable_data_type": ["weights"],
       "overall_quantize_config": {"bit_width": 5}}]})";
  EXPECT_EQ(resolved(text, Role::weights).bit_width.value, 5);
  EXPECT_EQ(resolved(text, Role::weights).method.value, Method::mse);
}

TEST(Resolve, a_name_wins_over_a_type_wherever_it_stands) {
  const std::string text = cpu_model + R"("layer_quantize_config": [
      {"layer_name": "/layer1/layer1.0/conv1/Conv", "quantizable_data_type": ["weights"],
       "overall_quantize_config": {"bit_width": 4}},
      {"layer_type": "Conv2d", "quantizable_data_type": ["weights", "bias"],
       "overall_quantize_config": {"bit_width": 5}}]})";
  EXPECT_EQ(resolved(text, Role::weights).bit_width.value, 4);
  EXPECT_EQ(resolved(text, Role::bias).bit_width.value, 5);
}

TEST(Resolve, unlisted_roles_keep_their_settings) {
  const std::string text = cpu_model + R"("layer_quantize_config": [
      {"layer_type": "Conv2d", "quantizable_data_type": ["weights"], "overall_quantize_config": {"bit_width": 4}}]})";
  EXPECT_EQ(resolved(text, Role::weights).bit_width.value, 4);
  for (const Role role : {Role::input, Role::bias, Role::activation})
    EXPECT_EQ(resolved(text, role).bit_width.value, 8);
}

TEST(Resolve, an_entry_without_a_list_overrides_every_role) {
  const std::string text = cpu_model + R"("layer_quantize_config": [
      {"layer_type": "Conv2d", "overall_quantize_config": {"bit_width": 4}}]})";
  for (const Role role : all_roles) EXPECT_EQ(resolved(text, role).bit_width.value, 4);
}

TEST(Resolve, other_layers_have_the_models_settings) {
  const Configuration config = configuration(cpu_model + R"("layer_quantize_config": [
      {"layer_type": "Conv2d", "quantizable_data_type": ["weights"], "overall_quantize_config": {"bit_width": 4}}]})");
  EXPECT_EQ(resolve(config, {.name = "fc", .module_path = "fc", .types = {"Gemm", "Linear"}})[Role::weights]
                .bit_width.value,
            8);
}

TEST(Resolve, one_role_of_one_layer_can_stay_in_float) {
  const std::string text = cpu_model + R"("layer_quantize_config": [
      {"layer_type": "Conv2d", "quantizable_data_type": ["activation"],
       "tensor_quantize_config": {"activation": {"datatype": "float32"}}}]})";
  EXPECT_EQ(resolved(text, Role::activation).datatype.value, Datatype::float32);
  EXPECT_EQ(resolved(text, Role::weights).datatype.value, Datatype::integer);
}

TEST(Resolve, percentage_is_inherited) {
  const std::string text = R"({"target_device": "CPU", "method": "percentile", "percentage": 99,
      "tensor_quantize_config": {"weights": {"bit_width": 4}}, "layer_quantize_config": [
      {"layer_type": "Conv2d", "quantizable_data_type": ["weights"], "overall_quantize_config": {"symmetry": true}}]})";
  EXPECT_EQ(resolved(text, Role::weights).percentage.value, 99);
}

// ---- Compatibility::vitis

TEST(ResolveVitis, a_level_that_does_not_repeat_the_percentage_resets_it) {
  const std::string text = R"({"target_device": "CPU", "method": "percentile", "percentage": 99,
      "tensor_quantize_config": {"weights": {"bit_width": 4}, "bias": {"method": "maxmin"}}, "layer_quantize_config": [
      {"layer_type": "Conv2d", "quantizable_data_type": ["activation"], "overall_quantize_config": {"symmetry": true}}]})";
  const Configuration config = configuration(text, Compatibility::vitis);
  EXPECT_EQ(config.tensor_settings[Role::input].percentage.value, 99);
  EXPECT_EQ(config.tensor_settings[Role::weights].percentage.value, 99.99);
  EXPECT_EQ(config.tensor_settings[Role::weights].percentage.source.text(),
            "default, as vai_q_pytorch resets it");
  EXPECT_EQ(config.tensor_settings[Role::bias].percentage.value, 99);  // kept, and without effect
  EXPECT_EQ(config.tensor_settings[Role::activation].percentage.value, 99);
  EXPECT_EQ(resolve(config, conv1)[Role::activation].percentage.value, 99.99);
}

TEST(ResolveVitis, an_entry_starts_from_the_model_and_replaces_weaker_ones) {
  const std::string text = cpu_model + R"("layer_quantize_config": [
      {"layer_type": "Conv2d", "quantizable_data_type": ["weights"], "overall_quantize_config": {"method": "mse"}},
      {"layer_type": "torch.nn.Conv2d", "quantizable_data_type": ["weights"],
       "overall_quantize_config": {"round_mode": "half_up"}},
      {"layer_name": "/layer1/*", "quantizable_data_type": ["weights"],
       "overall_quantize_config": {"bit_width": 4}}]})";
  const TensorSettings weights = resolved(text, Role::weights, Compatibility::vitis);
  EXPECT_EQ(weights.bit_width.value, 4);
  EXPECT_EQ(weights.round_mode.value, RoundMode::half_even);
  EXPECT_EQ(weights.method.value, Method::maxmin);

  const LayerIdentity other{.name = "other", .module_path = {}, .types = {"Conv2d"}};
  const TensorSettings by_type = resolve(configuration(text, Compatibility::vitis), other)[Role::weights];
  EXPECT_EQ(by_type.round_mode.value, RoundMode::half_up);
  EXPECT_EQ(by_type.method.value, Method::maxmin);
}

TEST(ResolveVitis, a_name_that_lacks_a_role_hides_the_type_from_parameters_only) {
  const std::string text = cpu_model + R"("layer_quantize_config": [
      {"layer_type": "Conv2d", "quantizable_data_type": ["weights", "bias", "activation"],
       "overall_quantize_config": {"bit_width": 4}},
      {"layer_name": "/layer1/*", "quantizable_data_type": ["weights"],
       "overall_quantize_config": {"bit_width": 5}}]})";
  EXPECT_EQ(resolved(text, Role::weights, Compatibility::vitis).bit_width.value, 5);
  EXPECT_EQ(resolved(text, Role::bias, Compatibility::vitis).bit_width.value, 8);
  EXPECT_EQ(resolved(text, Role::activation, Compatibility::vitis).bit_width.value, 4);
  EXPECT_EQ(resolved(text, Role::input, Compatibility::vitis).bit_width.value, 8);
  EXPECT_EQ(resolved(text, Role::bias, Compatibility::standard).bit_width.value, 4);
}

}  // namespace
}  // namespace qcal
