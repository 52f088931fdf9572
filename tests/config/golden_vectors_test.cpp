// Configurations that vai_q_pytorch resolved or rejected. They come out the same here, but for the
// differences listed below, each with its reason; those are checked to behave as the reason says. Readers
// find the list in config/differences.md.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <functional>
#include <map>
#include <sstream>
#include <string>

#include "config/resolve.h"
#include "config/setting_names.h"
#include "config/value_text.h"
#include "config_test_support.h"

namespace qcal {
namespace {

using config_test::parse;
using config_test::texts;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

rapidjson::Document vectors() {
  rapidjson::Document document;
  document.Parse(config_test::read_file(QCAL_TEST_DATA "/config/config_resolution.json").c_str());
  EXPECT_FALSE(document.HasParseError());
  return document;
}

std::string text_of(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return buffer.GetString();
}

// vai_q_pytorch's resolved settings of one tensor against ours. Its integer range follows from the rest.
void expect_settings(const rapidjson::Value& expected, const TensorSettings& settings) {
  EXPECT_EQ(value_text(settings.datatype.value), expected["datatype"].GetString());
  EXPECT_EQ(settings.bit_width.value, expected["bit_width"].GetInt());
  EXPECT_EQ(settings.symmetry.value, std::string(expected["symmetric_mode"].GetString()) == "symmetric");
  EXPECT_EQ(settings.is_signed.value,
            expected["signed"].GetBool() ? Signedness::is_signed : Signedness::is_unsigned);
  EXPECT_EQ(value_text(settings.method.value), expected["method"].GetString());
  EXPECT_EQ(value_text(settings.round_mode.value), expected["round_method"].GetString());
  EXPECT_EQ(settings.per_channel.value, std::string(expected["granularity"].GetString()) == "per_channel");
  EXPECT_EQ(settings.scale_type.value, from_spelling<ScaleType>(expected["scale_type"].GetString()));
  EXPECT_EQ(settings.narrow_range.value, expected["narrow_range"].GetBool());
  if (expected.HasMember("calib_statistic_method")) {
    EXPECT_EQ(value_text(settings.calib_statistic_method.value),
              expected["calib_statistic_method"].GetString());
  }
  if (expected.HasMember("percentage")) {
    EXPECT_EQ(settings.percentage.value, expected["percentage"].GetDouble());
  }
}

void expect_layers(const rapidjson::Value& expected, const Configuration& configuration,
                   const std::function<LayerIdentity(const std::string&)>& identity) {
  for (const auto& layer : expected.GetObject()) {
    SCOPED_TRACE(layer.name.GetString());
    const RoleSettings settings = resolve(configuration, identity(layer.name.GetString()));
    for (const Role role : all_roles)
      expect_settings(layer.value[std::string(spelling(role)).c_str()], settings[role]);
  }
}

void expect_resolved(const rapidjson::Value& expected, const Configuration& configuration) {
  EXPECT_EQ(value_text(configuration.target_device.value), expected["target_device"].GetString());
  for (const Role role : all_roles) {
    SCOPED_TRACE(spelling(role));
    EXPECT_TRUE(configuration.quantizable[role].value);
    expect_settings(expected[std::string(spelling(role)).c_str()], configuration.tensor_settings[role]);
  }
  expect_layers(expected["layer_type_config"], configuration, [](const std::string& type) {
    return LayerIdentity{.name = "n", .module_path = {}, .types = {type}};
  });
  expect_layers(expected["layer_name_config"], configuration, [](const std::string& name) {
    EXPECT_EQ(name, "ResNet::ResNet/Conv2d[conv1]/ret.3");
    return LayerIdentity{.name = "/conv1/Conv", .module_path = "conv1", .types = {"Conv", "Conv2d"}};
  });
}

enum class In { both, standard_only };

// Where we deliberately differ, and how we behave.
struct Difference {
  std::string reason;
  In compatibility = In::both;
  std::function<void(const ParsedConfiguration&)> behaves;
};

void accepted(const ParsedConfiguration& parsed) {
  EXPECT_TRUE(parsed.ok()) << testing::PrintToString(texts(parsed));
}

std::function<void(const ParsedConfiguration&)> refused_saying(const std::string& message) {
  return [message](const ParsedConfiguration& parsed) {
    EXPECT_FALSE(parsed.ok());
    EXPECT_THAT(texts(parsed), Contains(HasSubstr(message)));
  };
}

const TensorSettings& weights(const ParsedConfiguration& parsed) {
  return parsed.configuration.tensor_settings[Role::weights];
}

const std::string every_combination =
    "CPU and GPU allow every combination: vai_q_pytorch refuses this one for want of an implementation";

const std::map<std::string, Difference>& differences() {
  static const std::map<std::string, Difference> all{
      {"mixed_float16_bias",
       {"missing keys come from the target's default: for the CPU UG1414's example file, not the DPU's "
        "settings",
        In::standard_only,
        [](const ParsedConfiguration& parsed) {
          accepted(parsed);
          EXPECT_EQ(weights(parsed).datatype.value, Datatype::bfloat16);
          EXPECT_EQ(parsed.configuration.tensor_settings[Role::bias].datatype.value, Datatype::float16);
          EXPECT_EQ(weights(parsed).method.value, Method::maxmin);
          EXPECT_EQ(weights(parsed).scale_type.value, ScaleType::float_scale);
        }}},
      {"quantizable_data_type_ignored",
       {"UG1414 says that the list names the tensors to quantize; vai_q_pytorch quantizes all four "
        "regardless",
        In::standard_only,
        [](const ParsedConfiguration& parsed) {
          accepted(parsed);
          for (const Role role : all_roles)
            EXPECT_EQ(parsed.configuration.quantizable[role].value, role == Role::weights);
        }}},
      {"flexml_unchecked_asym",
       {"FLEXML is undocumented, and nothing is checked for it there", In::both,
        refused_saying("\"FLEXML\" is not allowed; allowed: DPU, CPU, GPU")}},
      {"unknown_target",
       {"vai_q_pytorch builds no quantizer for an unknown target, and does not say so", In::both,
        refused_saying("\"TPU\" is not allowed; allowed: DPU, CPU, GPU")}},
      {"percentage_without_percentile_ignored",
       {"a value that no method could use is a mistake, whatever the method", In::both,
        refused_saying("percentage: \"junk\" is not allowed")}},
      {"percentage_int",
       {"99 and 99.0 are the same number in JSON", In::both,
        [](const ParsedConfiguration& parsed) {
          accepted(parsed);
          EXPECT_EQ(weights(parsed).percentage.value, 99);
        }}},
      {"weights_per_channel_percentile",
       {every_combination, In::both,
        [](const ParsedConfiguration& parsed) {
          accepted(parsed);
          EXPECT_EQ(weights(parsed).method.value, Method::percentile);
          EXPECT_TRUE(weights(parsed).per_channel.value);
        }}},
      {"weights_per_channel_p2_unsigned",
       {every_combination, In::both,
        [](const ParsedConfiguration& parsed) {
          accepted(parsed);
          EXPECT_EQ(weights(parsed).is_signed.value, Signedness::is_unsigned);
          EXPECT_TRUE(weights(parsed).per_channel.value);
        }}},
      {"float_diffs",
       {every_combination, In::both,
        [](const ParsedConfiguration& parsed) {
          accepted(parsed);
          EXPECT_EQ(weights(parsed).method.value, Method::diffs);
          EXPECT_EQ(weights(parsed).scale_type.value, ScaleType::float_scale);
        }}},
      {"asym_percentile",
       {every_combination, In::both,
        [](const ParsedConfiguration& parsed) {
          accepted(parsed);
          EXPECT_EQ(weights(parsed).method.value, Method::percentile);
          EXPECT_FALSE(weights(parsed).symmetry.value);
        }}},
      {"asym_mse",
       {every_combination, In::both,
        [](const ParsedConfiguration& parsed) {
          accepted(parsed);
          EXPECT_EQ(weights(parsed).method.value, Method::mse);
          EXPECT_FALSE(weights(parsed).symmetry.value);
        }}},
      {"p2_asym",
       {every_combination, In::both,
        [](const ParsedConfiguration& parsed) {
          accepted(parsed);
          EXPECT_EQ(weights(parsed).scale_type.value, ScaleType::power_of_two);
          EXPECT_FALSE(weights(parsed).symmetry.value);
        }}},
      {"p2_mean",
       {every_combination, In::both,
        [](const ParsedConfiguration& parsed) {
          accepted(parsed);
          EXPECT_EQ(weights(parsed).scale_type.value, ScaleType::power_of_two);
          EXPECT_EQ(weights(parsed).calib_statistic_method.value, BatchStatistic::mean);
        }}},
      {"dpu_round_all_std",
       {"UG1414's own default listing rounds activations std_round for the DPU: a warning", In::both,
        [](const ParsedConfiguration& parsed) {
          accepted(parsed);
          EXPECT_THAT(texts(parsed),
                      Contains(HasSubstr("warning: overall_quantize_config.round_mode: std_round for "
                                         "activation breaks the rule \"DPU activation rounding\"")));
          EXPECT_EQ(parsed.configuration.tensor_settings[Role::activation].round_mode.value,
                    RoundMode::std_round);
        }}},
  };
  return all;
}

void check_vector(const rapidjson::Value& vector, Compatibility compatibility) {
  const std::string name = vector["name"].GetString();
  SCOPED_TRACE(name);
  if (vector["json"].IsNull()) {
    expect_resolved(vector["resolved"], default_configuration(compatibility));
    return;
  }
  const ParsedConfiguration parsed = parse(text_of(vector["json"]), compatibility);
  const auto different = differences().find(name);
  if (different != differences().end() &&
      (different->second.compatibility == In::both || compatibility == Compatibility::standard)) {
    SCOPED_TRACE(different->second.reason);
    different->second.behaves(parsed);
    return;
  }
  EXPECT_EQ(parsed.ok(), vector["accepted"].GetBool()) << testing::PrintToString(texts(parsed));
  if (parsed.ok() && vector["accepted"].GetBool()) expect_resolved(vector["resolved"], parsed.configuration);
}

TEST(GoldenVectors, resolve_as_in_vai_q_pytorch_but_for_the_listed_differences) {
  const rapidjson::Document all = vectors();
  ASSERT_EQ(all.Size(), 40u);
  for (const auto& vector : all.GetArray()) check_vector(vector, Compatibility::standard);
}

TEST(GoldenVectors, vitis_resolves_as_vai_q_pytorch_with_fewer_differences) {
  const rapidjson::Document all = vectors();
  for (const auto& vector : all.GetArray()) check_vector(vector, Compatibility::vitis);
}

TEST(GoldenVectors, every_listed_difference_has_its_vector) {
  const rapidjson::Document all = vectors();
  std::vector<std::string> names;
  for (const auto& vector : all.GetArray()) names.emplace_back(vector["name"].GetString());
  for (const auto& [name, difference] : differences()) EXPECT_THAT(names, Contains(name));
}

// Differences that no vector shows: what vai_q_pytorch does by its source, and what we do with the same text.
struct UnrecordedDifference {
  std::string name;
  std::string reason;
  std::string text;
  std::function<void(const ParsedConfiguration&)> behaves;
};

const std::string cpu_start =
    R"({"target_device": "CPU", "overall_quantize_config": {"method": "percentile", )"
    R"("percentage": 99.5}, )";

const std::vector<UnrecordedDifference> unrecorded{
    {"percentage_inherited",
     "an override that does not repeat the percentage resets it to 99.99 there, silently",
     cpu_start + R"("tensor_quantize_config": {"weights": {"bit_width": 4}}})",
     [](const ParsedConfiguration& parsed) {
       accepted(parsed);
       EXPECT_EQ(weights(parsed).percentage.value, 99.5);
     }},
    {"layer_roles_unlisted", "a DPU layer entry that does not list activation and bias is a KeyError there",
     R"({"target_device": "DPU", "layer_quantize_config": [{"layer_type": "Conv2d",
         "quantizable_data_type": ["weights"], "overall_quantize_config": {"bit_width": 4}}]})",
     [](const ParsedConfiguration& parsed) {
       accepted(parsed);
       const RoleSettings settings = resolve(parsed.configuration, config_test::conv1);
       EXPECT_EQ(settings[Role::weights].bit_width.value, 4);
       EXPECT_EQ(settings[Role::bias].bit_width.value, 8);
     }},
    {"layer_roles_missing",
     "a layer entry without quantizable_data_type is a TypeError there; here it means all",
     cpu_start +
         R"("layer_quantize_config": [{"layer_type": "Conv2d", "overall_quantize_config": {"bit_width": 4}}]})",
     [](const ParsedConfiguration& parsed) {
       accepted(parsed);
       EXPECT_THAT(texts(parsed),
                   Contains(HasSubstr("warning: layer_quantize_config[0]: quantizable_data_type is "
                                      "missing")));
       EXPECT_EQ(resolve(parsed.configuration, config_test::conv1)[Role::input].bit_width.value, 4);
     }},
    {"layer_entries_add_up",
     "a name entry hides the whole type entry there; here each setting is overridden by itself",
     cpu_start + R"("layer_quantize_config": [
         {"layer_type": "Conv2d", "quantizable_data_type": ["weights"], "overall_quantize_config": {"bit_width": 4}},
         {"layer_name": "/layer1/*", "quantizable_data_type": ["weights"],
          "overall_quantize_config": {"symmetry": false}}]})",
     [](const ParsedConfiguration& parsed) {
       accepted(parsed);
       const TensorSettings settings = resolve(parsed.configuration, config_test::conv1)[Role::weights];
       EXPECT_EQ(settings.bit_width.value, 4);
       EXPECT_FALSE(settings.symmetry.value);
     }},
    {"layer_without_selector",
     "an entry that selects no layer is kept under an empty name there, and never applies",
     cpu_start + R"("layer_quantize_config": [{"quantizable_data_type": ["bias"]}]})",
     refused_saying("layer_quantize_config[0]: the entry selects no layer")},
    {"bit_width_0", "ignored there, so that the default stays; a mistake here",
     cpu_start + R"("tensor_quantize_config":
         {"bias": {"bit_width": 0}}})",
     refused_saying("bit_width: 0 is not allowed")},
    {"bit_width_1", "accepted there, then a division by zero or an infinite scale",
     cpu_start + R"("tensor_quantize_config":
         {"bias": {"bit_width": 1}}})",
     refused_saying("bit_width: 1 is not allowed")},
    {"bit_width_true", "JSON true passes as 1 there", cpu_start + R"("tensor_quantize_config":
         {"bias": {"bit_width": true}}})",
     refused_saying("bit_width: true is not allowed")},
    {"bit_width_32_weights", "accepted there, and the largest value wraps around",
     cpu_start + R"("tensor_quantize_config":
         {"weights": {"bit_width": 32}}})",
     refused_saying("breaks the rule \"bias width\"")},
    {"statistic_of_parameters", "an illegal value on weights is ignored there",
     cpu_start + R"("tensor_quantize_config":
         {"weights": {"calib_statistic_method": "sum"}}})",
     refused_saying("calib_statistic_method: \"sum\" is not allowed")},
};

TEST(GoldenVectors, differences_that_no_vector_shows_behave_as_documented) {
  for (const UnrecordedDifference& difference : unrecorded) {
    SCOPED_TRACE(difference.name + ": " + difference.reason);
    difference.behaves(parse(difference.text));
  }
}

TEST(GoldenVectors, the_list_for_readers_is_complete) {
  std::vector<std::string> listed;
  std::istringstream lines(config_test::read_file(QCAL_CONFIG_DIFFERENCES));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| `")) listed.push_back(line.substr(3, line.find('`', 3) - 3));
  }
  std::vector<std::string> tested;
  for (const auto& [name, difference] : differences()) tested.push_back(name);
  for (const UnrecordedDifference& difference : unrecorded) tested.push_back(difference.name);
  EXPECT_THAT(listed, testing::UnorderedElementsAreArray(tested));
}

}  // namespace
}  // namespace qcal
