#include "engine/dumps/json_input.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "engine/error.h"
#include "tests/dumps/dump_files.h"

namespace qcal {
namespace {

using ::testing::StartsWith;
using namespace qcal::testing;

rapidjson::Document parsed(std::string_view text) {
  return parse_json(text, "a.json");
}

std::string error(std::string_view text) {
  return message_of<InputError>([&] { parsed(text); });
}

TEST(JsonInput, IntegersKeepEveryDigit) {
  EXPECT_EQ(parsed("18446744073709551615").GetUint64(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parsed("-9223372036854775808").GetInt64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parsed("7").GetInt(), 7);
  EXPECT_TRUE(parsed("7").IsUint());
  EXPECT_FALSE(parsed("4294967296").IsInt());
  EXPECT_FALSE(parsed("18446744073709551616").IsUint64());
  EXPECT_FALSE(parsed("7.0").IsInt64());
}

TEST(JsonInput, RealsKeepEveryBit) {
  EXPECT_EQ(parsed("0.1").GetDouble(), 0.1);
  EXPECT_EQ(parsed("4.9406564584124654e-324").GetDouble(), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(parsed("1.7976931348623157e308").GetDouble(), std::numeric_limits<double>::max());
  // A decimal half way between two doubles, and a digit beyond it.
  EXPECT_EQ(parsed("9007199254740993").GetInt64(), 9007199254740993);
  EXPECT_EQ(parsed("9007199254740993.0").GetDouble(), 9007199254740992.0);
  EXPECT_EQ(parsed("9007199254740993.00000000000000000000000000001").GetDouble(), 9007199254740994.0);
  EXPECT_EQ(parsed("0e99").GetDouble(), 0.0);
  EXPECT_EQ(parsed("0.0e-99").GetDouble(), 0.0);
  EXPECT_TRUE(std::signbit(parsed("-0").GetDouble()));
  EXPECT_TRUE(std::signbit(parsed("-0.0").GetDouble()));
}

TEST(JsonInput, NumbersThatNoDoubleHoldsAreRefused) {
  for (const std::string& number : {std::string("1e999"), std::string(400, '9'), std::string("-1e400")}) {
    EXPECT_THAT(error("{\"a\":\n" + number + "}"), StartsWith("a.json:2:1: not valid JSON: Number too big"))
        << number;
  }
  EXPECT_EQ(error("[1e-400]"), "a.json:1:2: not valid JSON: a number that no double holds");
}

TEST(JsonInput, SaysWhereTheTextIsBroken) {
  EXPECT_THAT(error("[1, 2"), StartsWith("a.json:1:6: not valid JSON"));
  EXPECT_THAT(error("[1,]"), StartsWith("a.json:1:4: not valid JSON"));
  EXPECT_THAT(error("{} {}"), StartsWith("a.json:1:4: not valid JSON"));
  EXPECT_THAT(error("\"\xff\""), StartsWith("a.json:1:"));
  EXPECT_THAT(error(std::string("1\n\0", 3)), StartsWith("a.json:2:1: not valid JSON: a zero byte"));
  EXPECT_THAT(error(std::string(65, '[')), StartsWith("a.json:1:65: not valid JSON: nested deeper than 64"));
}

TEST(JsonInput, HalfASurrogatePairIsNoText) {
  const std::string half = "not valid JSON: The surrogate pair in string is invalid.";
  EXPECT_EQ(error(R"(["\\ \ud800"])"), "a.json:1:6: " + half);
  EXPECT_EQ(error(R"(["\\ \udc00"])"), "a.json:1:6: " + half);
  EXPECT_EQ(error(R"({"\udfff": 1})"), "a.json:1:3: " + half);
  EXPECT_EQ(text_of(parsed(R"("\\udc00")")), "\\udc00");
}

TEST(JsonInput, AKeyThatStandsTwiceIsNamedWithItsWay) {
  EXPECT_EQ(error(R"({"a": 1, "a": 2})"), R"(a.json: the key "a" stands twice)");
  EXPECT_EQ(error(R"({"x": [0, {"y": {"z": 1, "z": 2}}]})"),
            R"(a.json: the key "x"[1]."y"."z" stands twice)");
  EXPECT_EQ(parsed(R"([{"a": 1}, {"a": 1}])").Size(), 2u);
}

TEST(JsonInput, TextKeepsItsBytes) {
  EXPECT_EQ(text_of(parsed(R"("\u00e9\u0000\ud83d\ude00")")), std::string("\xC3\xA9\0\xF0\x9F\x98\x80", 7));
}

}  // namespace
}  // namespace qcal
