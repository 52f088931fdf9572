#include "engine/dumps/npy.h"

#include <gmock/gmock.h>

#include <limits>

#include "engine/dumps/npy_header.h"
#include "tests/dumps/file_test.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Npy : public FileTest<StoredTensor> {
 protected:
  Npy() : FileTest("a.npy", [](const auto& path) { return read_npy_header(path, "conv1"); }) {
    subject_ = ": tensor \"conv1\": ";
  }

  std::string error_of_dictionary(const std::string& dictionary, std::size_t value_bytes = 24) {
    return error(npy(dictionary, std::string(value_bytes, '\0')));
  }
};

TEST_F(Npy, ReadsEveryVersion) {
  for (const int version : {1, 2, 3}) {
    const std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
    const StoredTensor tensor = read(npy(dictionary, bytes_of<float>({1, 2, 3, 4, 5, 6}), version));
    EXPECT_EQ(tensor.dtype, DType::f32);
    EXPECT_THAT(tensor.shape, ElementsAre(2, 3));
    EXPECT_THAT(tensor.strides, IsEmpty());
    EXPECT_EQ(tensor.bytes, 24u);
    EXPECT_EQ(tensor.offset, (version == 1 ? 10 : 12) + dictionary.size());
  }
  EXPECT_THAT(error(npy("{}", "", 4)), HasSubstr("npy format 4.0"));
  EXPECT_THAT(error(npy("{}", "", 0)), HasSubstr("npy format 0.0"));
}

struct TypeCase {
  const char* descr;
  DType dtype;
};

TEST_F(Npy, ReadsEveryFloatingPointType) {
  for (const auto& [descr, dtype] :
       {TypeCase{"<f2", DType::f16}, TypeCase{"<f4", DType::f32}, TypeCase{"<f8", DType::f64},
        TypeCase{"=f4", DType::f32}, TypeCase{"|f8", DType::f64}, TypeCase{"f2", DType::f16}}) {
    const std::string dictionary =
        std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (3,), }";
    EXPECT_EQ(read(npy(dictionary, std::string(3 * size_of(dtype), '\0'))).dtype, dtype) << descr;
  }
}

TEST_F(Npy, RefusesOtherTypesAndSaysHowToConvert) {
  const auto refusal = [&](const std::string& descr) {
    return error_of_dictionary("{'descr': " + descr + ", 'fortran_order': False, 'shape': (3,)}");
  };
  EXPECT_THAT(refusal("'>f4'"), AllOf(HasSubstr("big-endian"), HasSubstr("newbyteorder")));
  EXPECT_THAT(refusal("'<i4'"), AllOf(HasSubstr("\"<i4\" cannot be calibrated"), HasSubstr("astype")));
  EXPECT_THAT(refusal("'|u1'"), HasSubstr("not a floating-point type"));
  EXPECT_THAT(refusal("'|b1'"), HasSubstr("not a floating-point type"));
  EXPECT_THAT(refusal("'|O'"), HasSubstr("Python objects"));
  EXPECT_THAT(refusal("'<c8'"), HasSubstr("complex"));
  EXPECT_THAT(refusal("'<V2'"), HasSubstr("bfloat16"));
  EXPECT_THAT(refusal("'<f16'"), HasSubstr("astype"));
  EXPECT_THAT(refusal("'<U4'"), HasSubstr("astype"));
  EXPECT_THAT(refusal("''"), HasSubstr("cannot be calibrated"));
  EXPECT_THAT(refusal("'<'"), HasSubstr("cannot be calibrated"));
  EXPECT_THAT(refusal("[('a', '<f4'), ('b]', '<f4', (2,))]"), HasSubstr("structured"));
}

TEST_F(Npy, FortranOrderBecomesStrides) {
  const StoredTensor tensor =
      read(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 4)}", std::string(96, '\0')));
  EXPECT_THAT(tensor.strides, ElementsAre(1, 2, 6));
  EXPECT_THAT(
      read(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (3,)}", std::string(12, '\0'))).strides,
      IsEmpty());
  EXPECT_THAT(read(npy("{'descr': '<f4', 'fortran_order': True, 'shape': ()}", std::string(4, '\0'))).strides,
              IsEmpty());
}

TEST_F(Npy, ReadsScalarsAndEmptyTensors) {
  const StoredTensor scalar = read(npy_f32("()", {7}));
  EXPECT_THAT(scalar.shape, IsEmpty());
  EXPECT_EQ(scalar.bytes, 4u);
  for (const char* shape : {"(0,)", "(2, 0, 3)", "(0, 9223372036854775807)"}) {
    EXPECT_EQ(read(npy_f32(shape, {})).bytes, 0u) << shape;
  }
}

TEST_F(Npy, ToleratesSpacingOrderAndQuotes) {
  for (const char* dictionary : {"{'descr':'<f4','fortran_order':False,'shape':(2,3)}",
                                 "  { 'shape' : ( 2 , 3 , ) , 'descr' : '<f4' ,"
                                 "\n\t'fortran_order' : False , }   \n",
                                 "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2L, 3L)}"}) {
    EXPECT_THAT(read(npy(dictionary, std::string(24, '\0'))).shape, ElementsAre(2, 3)) << dictionary;
  }
}

TEST_F(Npy, RefusesMalformedDictionaries) {
  const struct {
    const char* dictionary;
    const char* message;
  } cases[] = {
      {"", "'{' expected"},
      {"[]", "'{' expected"},
      {"{}", "no 'descr'"},
      {"{'descr': '<f4'}", "no 'fortran_order'"},
      {"{'descr': '<f4', 'fortran_order': False}", "no 'shape'"},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", "'descr' twice"},
      {"{'descr': '<f4', 'fortran_order': False, 'fortran_order': False, 'shape': (2, 3)}",
       "'fortran_order' twice"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'shape': (2, 3)}", "'shape' twice"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}", "a key other than"},
      {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}", "True or False"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': [2, 3]}", "'(' expected"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (6)}", "needs a comma"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -3)}", "0 or more"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2.5, 3)}", "',' or ')' expected"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", "must be a number"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 99999999999999999999)}", "64 bits"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x", "after the dictionary"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)", "'}' expected"},
      {"{'descr': '<f4, 'fortran_order': False, 'shape': (2, 3)}", "expected"},
      {"{'descr': '<f\\x34', 'fortran_order': False, 'shape': (2, 3)}", "an escape"},
      {"{'descr': [[, 'fortran_order': False, 'shape': (2, 3)}", "a list that does not end"},
  };
  for (const auto& [dictionary, message] : cases) {
    EXPECT_THAT(error_of_dictionary(dictionary), HasSubstr(message)) << dictionary;
  }
}

TEST_F(Npy, RefusesShapesThatOverflow) {
  for (const char* shape : {"(9223372036854775807, 2)", "(4611686018427387904,)",
                            "(0, 9223372036854775807, 2)", "(3037000500, 3037000500)"}) {
    EXPECT_THAT(error(npy_f32(shape, {})), HasSubstr("does not fit 64 bits")) << shape;
  }
  std::string shape = "(";
  for (int i = 0; i < 65; ++i) shape += "1, ";
  EXPECT_THAT(error(npy_f32(shape + ")", {1})), HasSubstr("65 dimensions"));
}

TEST_F(Npy, RefusesEveryTruncation) {
  const std::string whole = npy_f32("(2, 3)", {1, 2, 3, 4, 5, 6});
  for (std::size_t length = 0; length < whole.size(); ++length) error(whole.substr(0, length));
  EXPECT_THAT(
      error(whole.substr(0, whole.size() - 1)),
      AllOf(HasSubstr("truncated"), HasSubstr("2x3"), HasSubstr("24 bytes"), HasSubstr("23 are there")));
  EXPECT_THAT(error(whole + "xyz"), HasSubstr("3 bytes follow the 24 bytes"));
}

TEST_F(Npy, SurvivesAnyChangedByte) {
  change_every_byte<InputError>(npy_f32("(2, 3)", {1, 2, 3, 4, 5, 6}), [&](const std::string& bytes) {
    const StoredTensor tensor = read(bytes);
    EXPECT_LE(tensor.offset + tensor.bytes, bytes.size());
  });
}

TEST_F(Npy, RefusesWhatIsNoNpyFile) {
  EXPECT_THAT(error("PK\x03\x04 an archive"), HasSubstr("not an npy file"));
  EXPECT_THAT(error(npy(std::string(40000, ' '), "")), HasSubstr("'{' expected"));
  EXPECT_THAT(error(npy(std::string(70000, ' '), "", 2)), HasSubstr("70000 bytes long"));
  std::filesystem::remove(path_);
  EXPECT_THAT(message_of<InputError>([&] { read_npy_header(path_, "conv1"); }), HasSubstr("No such file"));
  EXPECT_THAT(message_of<InputError>([&] { read_npy_header(directory_.path(), "conv1"); }),
              HasSubstr("not a regular file"));
}

TEST_F(Npy, MessagesStayOnOneLine) {
  write_bytes(path_, "no");
  const std::string message = message_of<InputError>([&] { read_npy_header(path_, "a\nb\x1b[31m\"c"); });
  EXPECT_THAT(message, HasSubstr("tensor \"a\\x0ab\\x1b[31m\\\"c\""));
}

}  // namespace
}  // namespace qcal::testing
