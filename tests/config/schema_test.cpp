// config/schema.json says what the code does: the same keys in the same places, descriptions and values.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "config/json_text.h"
#include "config/setting_names.h"
#include "config/setting_table.h"
#include "config/setting_values.h"
#include "config/unknown_key.h"
#include "config_test_support.h"

namespace qcal {
namespace {

using testing::UnorderedElementsAreArray;

class Schema : public testing::Test {
 protected:
  static const json::Value& member(const json::Value& value, std::string_view key) {
    const json::Member* found = value.find(key);
    if (found == nullptr) throw std::runtime_error("no member " + std::string(key));
    return found->value;
  }
  static std::vector<std::string> keys_of(const json::Value& object) {
    std::vector<std::string> names;
    for (const json::Member& entry : object.members) names.push_back(entry.key);
    return names;
  }
  static std::vector<std::string> strings_of(const json::Value& array) {
    std::vector<std::string> names;
    for (const json::Value& element : array.elements) names.push_back(element.text);
    return names;
  }
  const json::Value& definition(std::string_view name) const { return member(member(root, "$defs"), name); }
  const json::Value& property(std::string_view name) const {
    return member(member(root, "properties"), name);
  }

  // The spellings in any case, as JSON Schema's regular expressions say it.
  static std::string any_case(const std::vector<std::string_view>& spellings) {
    std::string pattern;
    for (const std::string_view spelling : spellings) {
      pattern += pattern.empty() ? "" : "|";
      for (const char c : spelling) {
        if (std::isalpha(static_cast<unsigned char>(c)) == 0) {
          pattern += c;
          continue;
        }
        pattern += '[';
        pattern += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        pattern += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        pattern += ']';
      }
    }
    return "^(" + pattern + ")$";
  }

  static void expect_options(const json::Value& schema, const std::vector<std::string_view>& spellings) {
    const std::vector<json::Value>& either = member(schema, "anyOf").elements;
    ASSERT_EQ(either.size(), 2u);
    EXPECT_THAT(strings_of(member(either[0], "enum")), testing::ElementsAreArray(spellings));
    EXPECT_EQ(member(either[1], "pattern").text, any_case(spellings));
  }

  template <class Value>
  static void expect_values(const json::Value& schema, Value) {
    if constexpr (Spelled<Value>)
      expect_options(schema, all_spellings<Value>());
    else
      EXPECT_EQ(member(schema, "type").text, "boolean");
  }
  static void expect_values(const json::Value& schema, Signedness) {
    const std::vector<json::Value>& either = member(schema, "anyOf").elements;
    EXPECT_EQ(member(either[0], "type").text, "boolean");
    EXPECT_EQ(strings_of(member(either[1], "enum")), std::vector<std::string>{"auto"});
    EXPECT_EQ(member(either[2], "pattern").text, any_case({"auto"}));
  }
  static void expect_values(const json::Value& schema, int) {
    const std::vector<json::Value>& either = member(schema, "anyOf").elements;
    EXPECT_EQ(member(either[0], "minimum").integer(), fewest_bits);
    EXPECT_EQ(member(either[0], "maximum").integer(), most_bits);
    EXPECT_EQ(member(either[1], "const").integer(), bias_accumulator_bits);
  }
  // The schema's bounds are those of the code.
  static void expect_numbers(const json::Value& schema, Read<double> (*read)(const json::Value&)) {
    EXPECT_EQ(member(schema, "type").text, "number");
    const auto takes = [&](double number) {
      json::Value value;
      value.kind = json::Value::Kind::number;
      value.text = std::to_string(number);
      return read(value).value.has_value();
    };
    const auto bound = [&](std::string_view key) { return schema.find(key)->value.number().value(); };
    EXPECT_TRUE(schema.find("minimum") != nullptr || schema.find("exclusiveMinimum") != nullptr);
    if (schema.find("minimum") != nullptr) {
      EXPECT_TRUE(takes(bound("minimum")) && !takes(bound("minimum") - 0.001));
    } else {
      EXPECT_TRUE(!takes(bound("exclusiveMinimum")) && takes(bound("exclusiveMinimum") + 0.001));
    }
    if (schema.find("maximum") != nullptr) {
      EXPECT_TRUE(takes(bound("maximum")) && !takes(bound("maximum") + 0.001));
    } else {
      EXPECT_TRUE(takes(1e9));
    }
  }
  static void expect_values(const json::Value& schema, SearchStart) {
    const std::vector<json::Value>& either = member(schema, "anyOf").elements;
    for (const std::string& word : strings_of(member(either[0], "enum"))) {
      json::Value value;
      value.kind = json::Value::Kind::string;
      value.text = word;
      EXPECT_TRUE(read_search_start(value).value) << word;
    }
    EXPECT_EQ(member(either[0], "enum").elements.size(), 2u);
    EXPECT_EQ(member(either[1], "pattern").text, any_case({"preset", "levels"}));
    EXPECT_EQ(member(either[2], "minimum").integer(), 1);
    EXPECT_EQ(member(either[2], "maximum").integer(), most_search_bins);
  }

  json::Value root = json::parse(config_test::read_file(QCAL_CONFIG_SCHEMA)).root.value();
};

TEST_F(Schema, is_draft_2020_12) {
  EXPECT_EQ(member(root, "$schema").text, "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(strings_of(member(root, "required")), std::vector<std::string>{"target_device"});
}

TEST_F(Schema, has_the_keys_of_each_place_and_no_others) {
  std::vector<std::string_view> top_level = known_keys(Place::top_level);
  const std::vector<std::string_view> flat = known_keys(Place::tensor_block);
  top_level.insert(top_level.end(), flat.begin(), flat.end());
  EXPECT_THAT(keys_of(member(root, "properties")), UnorderedElementsAreArray(top_level));
  EXPECT_THAT(keys_of(member(definition("tensor_settings"), "properties")), UnorderedElementsAreArray(flat));
  EXPECT_THAT(keys_of(member(definition("tensor_settings_by_role"), "properties")),
              UnorderedElementsAreArray(known_keys(Place::tensor_roles)));
  EXPECT_THAT(keys_of(member(definition("layer_entry"), "properties")),
              UnorderedElementsAreArray(known_keys(Place::layer_entry)));
  for (const std::string name : {"tensor_settings", "tensor_settings_by_role", "layer_entry"})
    EXPECT_EQ(member(definition(name), "additionalProperties").kind, json::Value::Kind::boolean);
}

TEST_F(Schema, tensor_settings_have_the_codes_descriptions_and_values) {
  for_each_tensor_setting([&](const auto& setting) {
    SCOPED_TRACE(setting.key);
    const std::string reference = "#/$defs/" + std::string(setting.key);
    EXPECT_EQ(member(property(setting.key), "$ref").text, reference);
    EXPECT_EQ(member(member(member(definition("tensor_settings"), "properties"), setting.key), "$ref").text,
              reference);
    EXPECT_EQ(member(definition(setting.key), "description").text, setting.description);
    using Value = std::decay_t<decltype((TensorSettings{}.*setting.resolved).value)>;
    if constexpr (std::is_same_v<Value, double>) {
      expect_numbers(definition(setting.key), setting.read);
    } else {
      expect_values(definition(setting.key), Value{});
    }
  });
}

TEST_F(Schema, model_settings_have_the_codes_descriptions_and_values) {
  for_each_model_setting([&](const auto& setting) {
    SCOPED_TRACE(setting.key);
    EXPECT_EQ(member(property(setting.key), "description").text, setting.description);
    using Value = std::decay_t<decltype((Configuration{}.*setting.value).value)>;
    if constexpr (std::is_same_v<Value, double>) {
      expect_numbers(property(setting.key), setting.read);
    } else {
      expect_values(property(setting.key), Value{});
    }
  });
}

TEST_F(Schema, roles_are_the_codes_roles) {
  expect_options(definition("role"), all_spellings<Role>());
  EXPECT_THAT(keys_of(member(definition("tensor_settings_by_role"), "properties")),
              UnorderedElementsAreArray(all_spellings<Role>()));
}

TEST_F(Schema, forbids_tensor_settings_in_two_places) {
  const json::Value& forbidden =
      member(member(member(member(root, "dependentSchemas"), "overall_quantize_config"), "not"), "anyOf");
  std::vector<std::string> names;
  for (const json::Value& entry : forbidden.elements)
    names.push_back(member(entry, "required").elements.at(0).text);
  EXPECT_THAT(names, UnorderedElementsAreArray(known_keys(Place::tensor_block)));
}

}  // namespace
}  // namespace qcal
