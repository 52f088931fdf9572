#include "engine/dumps/safetensors.h"

#include <gmock/gmock.h>

#include "tests/dumps/file_test.h"

namespace qcal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace qcal::testing;

class Safetensors : public FileTest<BatchFile> {
 protected:
  Safetensors() : FileTest("a.safetensors", read_safetensors_header) {}
};

TEST_F(Safetensors, ReadsEveryTypeThatCanBeCalibrated) {
  const BatchFile header = read(safetensors(
      R"({"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"f":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]},)"
      R"("h":{"dtype":"F16","shape":[],"data_offsets":[16,18]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[18,24]}}   )",
      std::string(24, '\0')));
  ASSERT_EQ(header.tensors.size(), 4u);
  EXPECT_EQ(header.tensors[0].name, "d");
  EXPECT_EQ(header.tensors[0].tensor.dtype, DType::f64);
  EXPECT_EQ(header.tensors[1].tensor.dtype, DType::f32);
  EXPECT_THAT(header.tensors[1].tensor.shape, ElementsAre(2, 1));
  EXPECT_EQ(header.tensors[1].tensor.offset, header.tensors[0].tensor.offset + 8);
  EXPECT_EQ(header.tensors[2].tensor.dtype, DType::f16);
  EXPECT_THAT(header.tensors[2].tensor.shape, IsEmpty());
  EXPECT_EQ(header.tensors[3].tensor.dtype, DType::bf16);
  EXPECT_EQ(header.tensors[3].tensor.bytes, 6u);
  EXPECT_FALSE(header.model_sha256);
}

TEST_F(Safetensors, ListsOtherTypesWithoutDtype) {
  const BatchFile header = read(safetensors(
      R"({"i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"q":{"dtype":"F4","shape":[3],"data_offsets":[8,10]}})",
      std::string(10, '\0')));
  ASSERT_EQ(header.tensors.size(), 2u);
  EXPECT_FALSE(header.tensors[0].tensor.dtype);
  EXPECT_EQ(header.tensors[0].tensor.stored_dtype, "I64");
  EXPECT_FALSE(header.tensors[1].tensor.dtype);
}

TEST_F(Safetensors, ReadsTheModelHash) {
  const std::string hash(64, 'A');
  EXPECT_EQ(read(safetensors(R"({"__metadata__":{"format":"np","model_sha256":")" + hash + R"("}})", ""))
                .model_sha256,
            std::string(64, 'a'));
  EXPECT_FALSE(read(safetensors(R"({"__metadata__":{"format":"pt"}})", "")).model_sha256);
  EXPECT_THAT(error(safetensors(R"({"__metadata__":{"model_sha256":"abc"}})", "")),
              HasSubstr("64 hexadecimal"));
  EXPECT_THAT(error(safetensors(R"({"__metadata__":{"model_sha256":7}})", "")), HasSubstr("64 hexadecimal"));
  EXPECT_THAT(error(safetensors(R"({"__metadata__":3})", "")), HasSubstr("not an object"));
}

TEST_F(Safetensors, ReadsEmptyTensors) {
  const BatchFile header = read(safetensors(
      R"({"a":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      std::string(4, '\0')));
  EXPECT_EQ(header.tensors[0].tensor.bytes, 0u);
}

TEST_F(Safetensors, RefusesMalformedHeaders) {
  const struct {
    const char* header;
    const char* message;
  } cases[] = {
      {"", "not valid JSON"},
      {"[]", "not an object"},
      {"{\"a\":", "not valid JSON"},
      {"{} {}", "not valid JSON"},
      {R"({"a":7})", "the entry is not an object"},
      {R"({"a":{"shape":[1],"data_offsets":[0,4]}})", "no \"dtype\""},
      {R"({"a":{"dtype":3,"shape":[1],"data_offsets":[0,4]}})", "\"dtype\" must be a string"},
      {R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", "no \"shape\""},
      {R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", "\"shape\" must be"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "\"shape\" must be"},
      {R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", "\"shape\" must be"},
      {R"({"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}})", "not valid JSON"},
      {R"({"a":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,4]}})",
       "does not fit 64 bits"},
      {R"({"a":{"dtype":"F32","shape":[1]}})", "no \"data_offsets\""},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", "\"data_offsets\" must be"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,-4]}})", "\"data_offsets\" must be"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "do not lie in"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}})", "do not lie in"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})", "do not lie in"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", "needs 4 bytes, data_offsets give it 8"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "4 bytes follow the last tensor"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "4 bytes that belong to no tensor"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       "overlap"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       "the key \"a\" stands twice"},
      {R"({"a":{"dtype":"F32","shape":[2],"dtype":"F64","data_offsets":[0,8]}})",
       "the key \"a\".\"dtype\" stands twice"},
  };
  for (const auto& [header, message] : cases) {
    EXPECT_THAT(error(safetensors(header, std::string(8, '\0'))), HasSubstr(message)) << header;
  }
}

TEST_F(Safetensors, RefusesHostileHeaders) {
  EXPECT_THAT(error(safetensors(std::string(1'000'000, '['), "")), HasSubstr("nested deeper than 64"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(error(safetensors(objects, "")), HasSubstr("nested deeper than 64"));
  EXPECT_THAT(error(safetensors(std::string("{}\0{\"a\":1}", 10), "")), HasSubstr("a zero byte"));
  EXPECT_THAT(error(safetensors("{\"\xff\xfe\":1}", "")), HasSubstr("not valid JSON"));
  EXPECT_THAT(error(little_endian(~std::uint64_t{0}, 8) + "{}"), HasSubstr("not a safetensors file"));
  EXPECT_THAT(error(little_endian(100'000'001, 8) + "{}"), HasSubstr("not a safetensors file"));
  EXPECT_THAT(error(little_endian(3, 8) + "{}"), HasSubstr("truncated"));
}

TEST_F(Safetensors, RefusesEveryTruncation) {
  const std::string whole = safetensors(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[1],"data_offsets":[8,10]}})",
      std::string(10, '\1'));
  read(whole);
  for (std::size_t length = 0; length < whole.size(); ++length) error(whole.substr(0, length));
  error(whole + "x");
}

TEST_F(Safetensors, SurvivesAnyChangedByte) {
  const std::string whole = safetensors(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[1],"data_offsets":[8,10]}})",
      std::string(10, '\1'));
  change_every_byte<InputError>(whole, [&](const std::string& bytes) {
    for (const NamedTensor& named : read(bytes).tensors) {
      EXPECT_LE(named.tensor.offset + named.tensor.bytes, bytes.size());
    }
  });
}

TEST_F(Safetensors, NamesMayHoldAnything) {
  const BatchFile header = read(safetensors(
      R"({"../x/\n\"é\u0000":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", std::string(4, '\0')));
  EXPECT_EQ(header.tensors.at(0).name, std::string("../x/\n\"é\0", 10));
}

}  // namespace
}  // namespace qcal
