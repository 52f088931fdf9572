// config/schema.json accepts the files that the parser accepts, and no others.
#include <gtest/gtest.h>

#include <algorithm>

#include "config_test_support.h"
#include "schema_files.h"
#include "schema_validator.h"
#include "tests/reference/test_data.h"

namespace qcal {
namespace {

using config_test::SchemaFiles;
using config_test::SchemaValidator;

const SchemaValidator& validator() {
  static const SchemaValidator schema(json::parse(config_test::read_file(QCAL_CONFIG_SCHEMA)).root.value());
  return schema;
}

// The CPU has the fewest rules of its own.
SchemaFiles files() {
  return {validator(), config_test::ObjectText("target_device", "\"CPU\"")};
}

// Rules about several settings (and roles) at once are not the format's: a schema cannot know which width
// a tensor ends up with.
bool is_rule(const Diagnostic& diagnostic) {
  return diagnostic.message.find("the rule \"") != std::string::npos;
}

bool format_is_accepted(const ParsedConfiguration& parsed) {
  return std::ranges::none_of(parsed.diagnostics, [](const Diagnostic& diagnostic) {
    return diagnostic.severity == Severity::error && !is_rule(diagnostic);
  });
}

struct Tally {
  int valid = 0;
  int invalid = 0;
  int broken_rules = 0;

  void compare(const std::string& text) {
    const ParsedConfiguration parsed = config_test::parse(text);
    const bool by_schema = validator().accepts(validator().root(), text);
    EXPECT_EQ(format_is_accepted(parsed), by_schema)
        << text << "\n"
        << (by_schema ? "refused by the parser: " + ::testing::PrintToString(config_test::texts(parsed))
                      : "accepted by the parser");
    ++(by_schema ? valid : invalid);
    if (by_schema && !parsed.ok()) ++broken_rules;
  }
};

TEST(SchemaAgreement, with_every_value_in_every_place) {
  Tally tally;
  for (const std::string& text : files().systematic()) tally.compare(text);
  EXPECT_GT(tally.valid, 1'000);
  EXPECT_GT(tally.invalid, 5'000);
  EXPECT_LT(tally.broken_rules, 100);  // 32 bits elsewhere than in a bias
}

TEST(SchemaAgreement, with_files_of_many_settings) {
  testing::SplitMix64 random(1);
  const auto below = [&](std::uint64_t bound) { return random.below(bound); };
  SchemaFiles made = files();
  Tally tally;
  for (int i = 0; i < 3'000; ++i) tally.compare(made.arbitrary(below));
  EXPECT_GT(tally.valid, 300);
  EXPECT_GT(tally.invalid, 300);
}

// The comparison would mean little with a validator that passes over keywords.
TEST(SchemaValidator, knows_right_from_wrong) {
  const SchemaValidator schema(json::parse(R"({
    "type": "object", "required": ["a"], "additionalProperties": false,
    "properties": {
      "a": {"anyOf": [{"enum": ["x", "y"]}, {"type": "integer", "minimum": 1, "maximum": 3}, {"const": 7}]},
      "b": {"type": ["string", "null"], "minLength": 2, "pattern": "^[ab]+$"},
      "c": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}},
      "d": {"not": {"type": "boolean"}},
      "e": {"$ref": "#/$defs/e"}
    },
    "dependentSchemas": {"c": {"required": ["d"]}},
    "$defs": {"e": {"type": "boolean"}}
  })")
                                   .root.value());
  for (const char* right :
       {R"({"a": "x"})", R"({"a": 3})", R"({"a": 2.0})", R"({"a": 7})", R"({"a": 1, "b": null})",
        R"({"a": 1, "b": "ab"})", R"({"a": 1, "d": 0, "c": []})", R"({"a": 1, "d": {}, "c": [0.1, 5]})",
        R"({"a": 1, "e": true})"}) {
    EXPECT_TRUE(schema.accepts(schema.root(), std::string(right))) << right;
  }
  for (const char* wrong :
       {"[]", "{}", R"({"a": "z"})", R"({"a": 0})", R"({"a": 4})", R"({"a": 1.5})", R"({"a": 1, "f": 1})",
        R"({"a": 1, "b": 5})", R"({"a": 1, "b": "a"})", R"({"a": 1, "b": "abc"})", R"({"a": 1, "c": []})",
        R"({"a": 1, "d": 0, "c": [1, 0]})", R"({"a": 1, "d": false})", R"({"a": 1, "e": null})"}) {
    EXPECT_FALSE(schema.accepts(schema.root(), std::string(wrong))) << wrong;
  }
  EXPECT_THROW(schema.accepts(json::parse(R"({"maxLength": 3})").root.value(), "1"), std::runtime_error);
}

}  // namespace
}  // namespace qcal
