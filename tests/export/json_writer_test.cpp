#include "engine/export/json_writer.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "engine/dumps/json_input.h"
#include "kernels/error.h"

namespace qcal {
namespace {

std::string text_of_number(double value) {
  JsonWriter writer;
  writer.number(value);
  return writer.text();
}

double read_back(double value) {
  return parse_json(text_of_number(value), "number").GetDouble();
}

TEST(JsonWriter, NumbersAreTheShortestThatReadBack) {
  EXPECT_EQ(text_of_number(0.1), "0.1\n");
  EXPECT_EQ(text_of_number(1.0), "1.0\n");
  EXPECT_EQ(text_of_number(-0.0), "-0.0\n");
  EXPECT_EQ(text_of_number(1e22), "1e+22\n");
  EXPECT_EQ(text_of_number(5e-324), "5e-324\n");
  EXPECT_EQ(text_of_number(0.30000000000000004), "0.30000000000000004\n");
  EXPECT_EQ(text_of_number(123456789.0), "123456789.0\n");
  JsonWriter writer;
  writer.short_number(0.1F);
  EXPECT_EQ(writer.text(), "0.1\n");
}

TEST(JsonWriter, AwkwardNumbersReadBackToTheSameBits) {
  const double limits[] = {0.0,
                           -0.0,
                           std::numeric_limits<double>::min(),
                           std::numeric_limits<double>::max(),
                           std::numeric_limits<double>::lowest(),
                           std::numeric_limits<double>::denorm_min(),
                           std::numeric_limits<double>::epsilon(),
                           std::nextafter(std::numeric_limits<double>::min(), 0.0),
                           std::nextafter(1.0, 2.0),
                           std::nextafter(1.0, 0.0),
                           9007199254740993.0,
                           9.5367431640625e-07,
                           2.2250738585072011e-308,
                           1.7976931348623157e308,
                           8.41e21,
                           9.109e-31,
                           std::ldexp(1.0, -1074),
                           std::ldexp(1.0, 1023)};
  for (const double value : limits) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(read_back(value)), std::bit_cast<std::uint64_t>(value)) << value;
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(read_back(value)), std::bit_cast<std::uint64_t>(value)) << value;
    const auto narrow = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(random())));
    if (!std::isfinite(narrow)) continue;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(read_back(narrow)), std::bit_cast<std::uint64_t>(narrow))
        << narrow;
  }
}

TEST(JsonWriter, RefusesWhatJsonCannotHold) {
  JsonWriter writer;
  EXPECT_THROW(writer.number(std::numeric_limits<double>::quiet_NaN()), InvalidArgument);
  EXPECT_THROW(writer.number(std::numeric_limits<double>::infinity()), InvalidArgument);
  EXPECT_THROW(writer.short_number(-std::numeric_limits<float>::infinity()), InvalidArgument);
  for (const char* text : {"\xff", "\xc3", "a\xe2\x82", "\xed\xa0\x80"}) {
    EXPECT_THROW(writer.string(text), InvalidArgument) << text;
  }
}

TEST(JsonWriter, LaysOutObjectsAndArrays) {
  JsonWriter writer;
  writer.begin_object();
  writer.key("a\n\"é");
  writer.begin_array();
  writer.integer(-1);
  writer.unsigned_integer(~std::uint64_t{0});
  writer.null();
  writer.boolean(true);
  writer.end_array();
  writer.key("");
  writer.string({});
  writer.key("json");
  writer.json(R"({"x":[1.50,1e2],"y":{"z":null}})");
  writer.end_object();
  EXPECT_EQ(writer.text(),
            "{\n"
            "  \"a\\n\\\"é\": [-1, 18446744073709551615, null, true],\n"
            "  \"\": \"\",\n"
            "  \"json\": {\n"
            "    \"x\": [1.50, 1e2],\n"
            "    \"y\": {\n"
            "      \"z\": null\n"
            "    }\n"
            "  }\n"
            "}\n");
}

TEST(JsonWriter, RefusesTextThatIsNoJson) {
  for (const std::string text : {"", "{", "{} {}", "nan", "[1,]", "{\"a\":\"\xff\"}"}) {
    JsonWriter writer;
    EXPECT_THROW(writer.json(text), InvalidArgument) << text;
  }
  JsonWriter writer;
  EXPECT_THROW(writer.json(std::string("1\0x", 3)), InvalidArgument);
}

}  // namespace
}  // namespace qcal
