#include <gtest/gtest.h>

#include "config/default_settings.h"
#include "config/parse_config.h"
#include "config_test_support.h"

namespace qcal {
namespace {

using config_test::read_file;

// UG1414's default listing, spelled out.
void expect_listing(const TensorSettings& settings) {
  EXPECT_EQ(settings.datatype.value, Datatype::integer);
  EXPECT_EQ(settings.bit_width.value, 8);
  EXPECT_EQ(settings.method.value, Method::diffs);
  EXPECT_TRUE(settings.symmetry.value);
  EXPECT_FALSE(settings.per_channel.value);
  EXPECT_EQ(settings.is_signed.value, Signedness::is_signed);
  EXPECT_FALSE(settings.narrow_range.value);
  EXPECT_EQ(settings.scale_type.value, ScaleType::power_of_two);
  EXPECT_EQ(settings.calib_statistic_method.value, BatchStatistic::modal);
  EXPECT_EQ(settings.percentage.value, 99.99);
  EXPECT_EQ(settings.calib_scope.value, CalibrationScope::per_batch);
  EXPECT_EQ(settings.search_start.value, SearchStart{});
}

void expect_listing(const Configuration& configuration) {
  EXPECT_EQ(configuration.target_device.value, TargetDevice::dpu);
  EXPECT_FALSE(configuration.convert_relu6_to_relu.value);
  EXPECT_TRUE(configuration.include_cle.value);
  EXPECT_TRUE(configuration.include_bias_corr.value);
  EXPECT_FALSE(configuration.keep_first_last_layer_accuracy.value);
  EXPECT_FALSE(configuration.keep_add_layer_accuracy.value);
  EXPECT_EQ(configuration.placement.value, Placement::groups);
  EXPECT_EQ(configuration.min_output_sqnr.value, 20.0);
  EXPECT_TRUE(configuration.layers.empty());
  for (const Role role : all_roles) {
    EXPECT_TRUE(configuration.quantizable[role].value);
    expect_listing(configuration.tensor_settings[role]);
    if (role != Role::activation) {
      EXPECT_EQ(configuration.tensor_settings[role].round_mode.value, RoundMode::std_round);
    }
  }
}

TEST(DefaultConfiguration, is_the_listing_with_activations_rounded_half_up) {
  for (const Compatibility compatibility : {Compatibility::standard, Compatibility::vitis}) {
    const Configuration configuration = default_configuration(compatibility);
    EXPECT_EQ(configuration.compatibility, compatibility);
    expect_listing(configuration);
    EXPECT_EQ(configuration.tensor_settings[Role::activation].round_mode.value, RoundMode::half_up);
  }
}

TEST(DefaultConfiguration, says_where_each_value_comes_from) {
  const Configuration configuration = default_configuration();
  const TensorSettings& settings = configuration.tensor_settings[Role::activation];
  EXPECT_EQ(settings.method.source.text(), "default for DPU (UG1414's default listing)");
  EXPECT_EQ(settings.round_mode.source.text(),
            "default tensor_quantize_config.activation.round_mode (the DPU rounds activations half_up)");
  EXPECT_EQ(settings.calib_scope.source.text(), "default");
  EXPECT_EQ(configuration.include_cle.source.text(), "default for DPU (UG1414's default listing)");
  EXPECT_EQ(default_configuration(Compatibility::vitis).tensor_settings[Role::bias].method.source.text(),
            "default of vai_q_pytorch");
}

TEST(DefaultConfiguration, the_listing_works_as_a_file) {
  const ParsedConfiguration parsed =
      config_test::parse(read_file(QCAL_TEST_DATA "/config/default_listing.json"));
  EXPECT_EQ(
      config_test::texts(parsed),
      std::vector<std::string>{
          "c.json:13:17: warning: round_mode: std_round for activation breaks the rule \"DPU activation "
          "rounding\": UG1414's default listing has it, but the DPU rounds activations half_up; allowed: "
          "half_up"});
  ASSERT_TRUE(parsed.ok());
  expect_listing(parsed.configuration);
  EXPECT_EQ(parsed.configuration.tensor_settings[Role::activation].round_mode.value, RoundMode::std_round);
  EXPECT_EQ(parsed.configuration.tensor_settings[Role::input].method.source.text(), "method (c.json:12:13)");
}

TEST(DefaultConfiguration, cpu_and_gpu_default_to_the_example_file) {
  for (const TargetDevice target : {TargetDevice::cpu, TargetDevice::gpu}) {
    const Configuration configuration = default_configuration_for(target, Compatibility::standard);
    EXPECT_EQ(configuration.target_device.value, target);
    EXPECT_FALSE(configuration.include_cle.value);
    EXPECT_FALSE(configuration.include_bias_corr.value);
    for (const Role role : all_roles) {
      const TensorSettings& settings = configuration.tensor_settings[role];
      EXPECT_EQ(settings.method.value, Method::maxmin);
      EXPECT_EQ(settings.round_mode.value, RoundMode::half_even);
      EXPECT_EQ(settings.scale_type.value, ScaleType::float_scale);
      EXPECT_EQ(settings.calib_statistic_method.value, BatchStatistic::max);
    }
  }
}

TEST(DefaultConfiguration, vitis_has_the_same_defaults_for_every_target) {
  const Configuration configuration = default_configuration_for(TargetDevice::cpu, Compatibility::vitis);
  EXPECT_TRUE(configuration.include_cle.value);
  EXPECT_TRUE(configuration.include_bias_corr.value);
  expect_listing(configuration.tensor_settings[Role::weights]);
  EXPECT_EQ(configuration.tensor_settings[Role::activation].round_mode.value, RoundMode::half_up);
}

}  // namespace
}  // namespace qcal
