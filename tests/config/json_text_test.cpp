#include "config/json_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config_test_support.h"

namespace qcal::json {
namespace {

std::string at(const Position& position) {
  return std::to_string(position.line) + ":" + std::to_string(position.column);
}

// "line:column: path: message" of the only problem.
std::string problem(std::string_view text) {
  const Parsed parsed = parse(text);
  EXPECT_EQ(parsed.problems.size(), 1u);
  if (parsed.problems.empty()) return {};
  const Problem& only = parsed.problems.front();
  return at(only.position) + ": " + (only.path.empty() ? "" : only.path + ": ") + only.message;
}

TEST(JsonText, every_value_and_key_knows_its_place) {
  const Parsed parsed = parse(
      "{\n"
      "  \"a\": [1, \"x\\\"y\", true],\n"
      "  /* \"no\": 1 */ \"b\" : { \"c\": null, \"d\": false, }, // the end\n"
      "\t\"e\\\\\": -12.5e1\n"
      "}");
  ASSERT_TRUE(parsed.root);
  EXPECT_TRUE(parsed.problems.empty());
  const Value& root = *parsed.root;
  EXPECT_EQ(at(root.position), "1:1");
  ASSERT_EQ(root.members.size(), 3u);

  const Member& a = root.members[0];
  EXPECT_EQ(at(a.key_position), "2:3");
  EXPECT_EQ(at(a.value.position), "2:8");
  ASSERT_EQ(a.value.elements.size(), 3u);
  EXPECT_EQ(at(a.value.elements[0].position), "2:9");
  EXPECT_EQ(a.value.elements[0].integer(), 1);
  EXPECT_EQ(at(a.value.elements[1].position), "2:12");
  EXPECT_EQ(a.value.elements[1].text, "x\"y");
  EXPECT_EQ(at(a.value.elements[2].position), "2:20");
  EXPECT_TRUE(a.value.elements[2].boolean);

  const Member& b = root.members[1];
  EXPECT_EQ(at(b.key_position), "3:17");
  EXPECT_EQ(at(b.value.find("c")->value.position), "3:30");
  EXPECT_EQ(at(b.value.find("d")->value.position), "3:41");
  EXPECT_FALSE(b.value.find("d")->value.boolean);
  EXPECT_EQ(b.value.find("e"), nullptr);

  const Member& e = root.members[2];
  EXPECT_EQ(e.key, "e\\");
  EXPECT_EQ(at(e.key_position), "4:2");
  EXPECT_EQ(at(e.value.position), "4:9");
  EXPECT_EQ(e.value.number(), -125.0);
  EXPECT_EQ(e.value.text, "-12.5e1");
}

// What a value's text starts with.
std::string first_characters(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
      return "null";
    case Value::Kind::boolean:
      return value.boolean ? "true" : "false";
    case Value::Kind::number:
      return value.text;
    case Value::Kind::string:
      return in_quotes(value.text);
    case Value::Kind::array:
      return "[";
    case Value::Kind::object:
      return "{";
  }
  return {};
}

void expect_at(const std::vector<std::string>& lines, const Position& position, const std::string& start) {
  const std::string& line = lines.at(position.line - 1);
  EXPECT_EQ(line.substr(position.column - 1, start.size()), start) << at(position);
}

void expect_positions(const std::vector<std::string>& lines, const Value& value) {
  expect_at(lines, value.position, first_characters(value));
  for (const Value& element : value.elements) expect_positions(lines, element);
  for (const Member& member : value.members) {
    expect_at(lines, member.key_position, in_quotes(member.key));
    expect_positions(lines, member.value);
  }
}

TEST(JsonText, positions_point_at_the_text_of_a_whole_file) {
  const std::string text = config_test::read_file(QCAL_TEST_DATA "/config/pytorch_quantize_config.json");
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  const Parsed parsed = parse(text);
  ASSERT_TRUE(parsed.root);
  expect_positions(lines, *parsed.root);
}

TEST(JsonText, columns_count_characters) {
  const Parsed parsed = parse("{\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\": 1}");
  ASSERT_TRUE(parsed.root);
  EXPECT_EQ(at(parsed.root->members[0].value.position), "1:9");
}

TEST(JsonText, lines_may_end_as_on_windows) {
  const Parsed parsed = parse("{\r\n  \"a\":\r\n 1}");
  ASSERT_TRUE(parsed.root);
  EXPECT_EQ(at(parsed.root->members[0].key_position), "2:3");
  EXPECT_EQ(at(parsed.root->members[0].value.position), "3:2");
}

TEST(JsonText, a_scalar_is_a_document) {
  EXPECT_EQ(parse(" true ").root->kind, Value::Kind::boolean);
  EXPECT_TRUE(parse(" true ").root->boolean);
  EXPECT_EQ(parse("\"\"").root->kind, Value::Kind::string);
}

TEST(JsonText, numbers_are_whole_only_where_they_are) {
  const auto number = [](std::string_view text) { return *parse(text).root; };
  EXPECT_EQ(number("8.0").integer(), 8);
  EXPECT_EQ(number("-0").integer(), 0);
  EXPECT_EQ(number("8.5").integer(), std::nullopt);
  EXPECT_EQ(number("99999999999").integer(), std::nullopt);
  EXPECT_EQ(number("99999999999").number(), 99999999999.0);
  EXPECT_EQ(number("\"8\"").number(), std::nullopt);
  EXPECT_EQ(number("8").number(), 8.0);
}

TEST(JsonText, a_repeated_key_is_told_with_both_places) {
  const Parsed parsed = parse("{\"a\": [0, {\"b\": 1,\n\"b\": {\"b\": 2}, \"c\": 3, \"b\": true}]}");
  ASSERT_TRUE(parsed.root);
  ASSERT_EQ(parsed.problems.size(), 2u);
  EXPECT_EQ(parsed.problems[0].path, "a[1].b");
  EXPECT_EQ(at(parsed.problems[0].position), "2:1");
  EXPECT_EQ(parsed.problems[0].message, "the key repeats; it stands at 1:12 already");
  EXPECT_EQ(at(parsed.problems[1].position), "2:24");

  const Value& inner = parsed.root->members[0].value.elements[1];
  ASSERT_EQ(inner.members.size(), 2u);  // the first value is kept
  EXPECT_EQ(inner.find("b")->value.text, "1");
  EXPECT_EQ(inner.find("c")->value.text, "3");
}

TEST(JsonText, syntax_errors_say_what_was_expected) {
  EXPECT_EQ(problem("{\"a\": 1 \"b\": 2}"), "1:9: expected , or } after the value");
  EXPECT_EQ(problem("[1 2]"), "1:4: expected , or ] after the value");
  EXPECT_EQ(problem("{\"a\" 1}"), "1:6: expected : after the key");
  EXPECT_EQ(problem("{a: 1}"), "1:2: expected a key in double quotes or }");
  EXPECT_EQ(problem("{'a': 1}"), "1:2: expected a key in double quotes or }");
  EXPECT_EQ(problem("{\"a\":,}"), "1:6: expected a value");
  EXPECT_EQ(problem("{\"a\": 1}\n]"), "2:1: text follows the end of the configuration");
  EXPECT_EQ(problem("{\"a\": 1.}"), "1:9: expected a digit after the decimal point");
  EXPECT_EQ(problem("{\"a\": 1e}"), "1:9: expected a digit in the exponent");
  EXPECT_EQ(problem("{\"a\": 1e999}"), "1:7: the number is too large");
  EXPECT_EQ(problem("{} / 1"), "1:5: expected /* or // to start a comment");
}

TEST(JsonText, bare_words_of_other_languages_are_recognised) {
  const std::string allowed =
      " is no JSON value; allowed: true, false, null, a number, a string in double quotes";
  EXPECT_EQ(problem("{\"a\": True}"), "1:7: True" + allowed + "; did you mean true?");
  EXPECT_EQ(problem("{\"a\": fasle}"), "1:7: fasle" + allowed + "; did you mean false?");
  EXPECT_EQ(problem("{\"a\": None}"), "1:7: None" + allowed + "; did you mean null?");
  EXPECT_EQ(problem("{\"a\": maxmin}"), "1:7: maxmin" + allowed);
}

TEST(JsonText, unfinished_files_say_what_is_open) {
  EXPECT_EQ(problem("{\"a\": 1"), "1:8: the file ends inside an object; expected }");
  EXPECT_EQ(problem("{"), "1:2: the file ends inside an object; expected }");
  EXPECT_EQ(problem("[1"), "1:3: the file ends inside an array; expected ]");
  EXPECT_EQ(problem("{\"a\":"), "1:6: the file ends where a value should stand");
  EXPECT_EQ(problem("{\"a\": \"b"), "1:7: the string is never closed");
  EXPECT_EQ(problem("{\"a\": \"b,\n\"c\": 1}"), "1:7: the string is not closed on its line");
  EXPECT_EQ(problem("{ /* "), "1:6: the file ends inside a comment");
}

TEST(JsonText, strings_are_checked) {
  EXPECT_EQ(problem("{\"a\": \"\\x\"}"),
            "1:8: unknown escape in a string; allowed: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
  EXPECT_EQ(problem("{\"a\": \"\\u12\"}"), "1:8: expected four hexadecimal digits after \\u");
  const std::string half = "\\u escapes half of a surrogate pair";
  EXPECT_EQ(problem(R"({"a": "\ud800"})"), "1:8: " + half);
  EXPECT_EQ(problem(R"({"a": "b\udc00"})"), "1:9: " + half);
  EXPECT_EQ(problem(R"({"\udfff": 1})"), "1:3: " + half);
  EXPECT_EQ(problem(R"("\ud83d\ude00\ude00")"), "1:14: " + half);
  EXPECT_EQ(parse(R"("\\\udbff\udfff\\udc00" // \udc00)").root->text, "\\\xF4\x8F\xBF\xBF\\udc00");
  EXPECT_EQ(problem("{\"a\": \"b\x01\"}"),
            "1:9: a control character stands in a string; write it as \\uXXXX");
  EXPECT_EQ(parse("\"\\u00e9\\n\\u0000\"").root->text, std::string("\xC3\xA9\n\0", 4));
}

TEST(JsonText, bytes_that_are_not_plain_utf8_are_refused) {
  const std::string from_here = "the file is not valid UTF-8 from here";
  EXPECT_EQ(problem("{\n \"\xFF\": 1}"), "2:3: " + from_here);
  EXPECT_EQ(problem("// \xC3\n{}"), "1:4: " + from_here);               // cut short, in a comment
  EXPECT_EQ(problem("\"\xC0\xAF\""), "1:2: " + from_here);              // overlong
  EXPECT_EQ(problem("\"\xE0\x80\x80\""), "1:2: " + from_here);          // overlong
  EXPECT_EQ(problem("\"\xED\xA0\x80\""), "1:2: " + from_here);          // surrogate
  EXPECT_EQ(problem("\"\xF4\x90\x80\x80\""), "1:2: " + from_here);      // beyond U+10FFFF
  EXPECT_EQ(problem("\"\xF0\x8F\xBF\xBF\""), "1:2: " + from_here);      // overlong
  EXPECT_EQ(problem("\"\xF8\x88\x80\x80\x80\""), "1:2: " + from_here);  // five bytes
  EXPECT_EQ(problem("\"\xE2\x82"), "1:2: " + from_here);                // the file ends in a character
  EXPECT_TRUE(parse("\"\xF4\x8F\xBF\xBF\xED\x9F\xBF\xF1\x80\x80\x80\"").root);
  EXPECT_EQ(problem(std::string("{}\0", 3)), "1:3: the file contains a NUL character");
  EXPECT_EQ(problem("\xEF\xBB\xBF{}"),
            "1:1: the file starts with a byte order mark; save it as UTF-8 without one");
  EXPECT_EQ(problem(std::string("\xFF\xFE{\0", 4)), "1:1: the file is UTF-16; save it as UTF-8");
}

TEST(JsonText, empty_files_are_told_apart_from_broken_ones) {
  EXPECT_EQ(problem(""), "1:1: the file is empty; expected an object: { ... }");
  EXPECT_EQ(problem(" \n\t"), "1:1: the file is empty; expected an object: { ... }");
  EXPECT_EQ(problem("// nothing\n"), "2:1: the file holds no configuration; expected an object: { ... }");
}

TEST(JsonText, hostile_nesting_is_refused_and_harmless) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse(nested(64)).root);
  EXPECT_EQ(problem(nested(65)), "1:65: nested deeper than 64 levels");
  EXPECT_EQ(problem(std::string(5'000'000, '[')), "1:65: nested deeper than 64 levels");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(problem(objects), "1:321: nested deeper than 64 levels");
}

TEST(JsonText, a_long_line_costs_linear_time) {
  std::string text = "[0";
  for (int i = 0; i < 300'000; ++i) text += ",\"x\"";
  text += "]";
  const Parsed parsed = parse(text);
  ASSERT_TRUE(parsed.root);
  EXPECT_EQ(parsed.root->elements.back().position.column, 3 + 4 * 299'999 + 1);
}

TEST(JsonPath, odd_keys_are_quoted) {
  EXPECT_EQ(member_path("", "a"), "a");
  EXPECT_EQ(member_path("a", "b_1"), "a.b_1");
  EXPECT_EQ(member_path("a", "b c"), "a[\"b c\"]");
  EXPECT_EQ(member_path("", ""), "[\"\"]");
  EXPECT_EQ(member_path("", "x\n\"\x7F"), "[\"x\\u000a\\\"\\u007f\"]");
  EXPECT_EQ(element_path("a", 3), "a[3]");
}

TEST(JsonInQuotes, long_text_is_cut_between_characters) {
  const auto cut_after = [](int count) { return std::string("\"").append(count, 'x').append("...\""); };
  EXPECT_EQ(in_quotes(std::string(60, 'x')), std::string("\"").append(60, 'x').append("\""));
  EXPECT_EQ(in_quotes(std::string(61, 'x')), cut_after(60));
  EXPECT_EQ(in_quotes(std::string(59, 'x') + "\xC3\xA9"), cut_after(59));
}

}  // namespace
}  // namespace qcal::json
