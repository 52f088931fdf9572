#include "engine/dumps/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include "engine/dumps/dump_source.h"
#include "engine/error.h"
#include "tests/dumps/dump_files.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Member {
  std::string name;
  std::string bytes;
};

enum class Packing { stored, deflated };

void write_npz(const std::filesystem::path& path, const std::vector<Member>& members, Packing packing) {
  int error = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
  ASSERT_NE(archive, nullptr) << error;
  for (const Member& member : members) {
    zip_source_t* source = zip_source_buffer(archive, member.bytes.data(), member.bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, member.name.c_str(), source, ZIP_FL_ENC_UTF_8);
    ASSERT_GE(index, 0) << zip_strerror(archive);
    const zip_int32_t method = packing == Packing::stored ? ZIP_CM_STORE : ZIP_CM_DEFLATE;
    ASSERT_EQ(zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), method, 0), 0);
  }
  ASSERT_EQ(zip_close(archive), 0) << zip_strerror(archive);
}

std::string npy_header(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

std::vector<float> values_of(const TensorView& view) {
  const auto* data = static_cast<const float*>(view.data);
  return {data, data + view.size()};
}

class Npz : public ::testing::Test {
 protected:
  std::string error() const {
    return message_of<InputError>([&] {
      const auto dump = open_dumps(directory_.path());
      for (const std::string& name : dump->names()) dump->open(name, 0);
    });
  }

  TemporaryDirectory directory_;
};

TEST_F(Npz, StoredAndDeflatedMembersAreReadAlike) {
  std::vector<float> many(100'000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<float>(i % 977);
  for (const Packing packing : {Packing::stored, Packing::deflated}) {
    for (const int batch : {0, 1}) {
      write_npz(directory_ / (std::to_string(batch) + ".npz"),
                {{"conv/1:out.npy", npy_f32("(2, 2)", {1, 2, 3, static_cast<float>(batch)})},
                 {"scalar.npy", npy_f32("()", {7})},
                 {"nothing.npy", npy_f32("(3, 0)", {})},
                 {"many.npy", npy_f32("(100000,)", many)}},
                packing);
    }
    const auto dump = open_dumps(directory_.path());
    EXPECT_THAT(dump->names(), ElementsAre("conv/1:out", "scalar", "nothing", "many"));
    EXPECT_EQ(dump->batches("many"), 2u);
    EXPECT_EQ(dump->bytes("many"), 800'000u);
    EXPECT_THAT(values_of(dump->open("conv/1:out", 1)->view()), ElementsAre(1, 2, 3, 1));
    EXPECT_THAT(values_of(dump->open("scalar", 0)->view()), ElementsAre(7));
    EXPECT_EQ(dump->open("nothing", 0)->view().size(), 0);
    EXPECT_EQ(values_of(dump->open("many", 1)->view()), many);
    EXPECT_THAT(dump->description(), HasSubstr("npz"));
  }
}

TEST_F(Npz, LargeMembersComeInParts) {
  constexpr std::int64_t rows = 6;
  constexpr std::int64_t columns = 1 << 20;
  std::vector<float> values(rows * columns);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1013);
  for (const Packing packing : {Packing::stored, Packing::deflated}) {
    write_npz(directory_ / "0.npz", {{"x.npy", npy_f32("(6, 1048576)", values)}}, packing);
    const auto dump = open_dumps(directory_.path());
    const auto parts = dump->parts("x", 0);
    EXPECT_FALSE(parts->whole());
    for (int pass = 0; pass < 2; ++pass) {
      std::int64_t row = 0;
      parts->for_each([&](const TensorPart& part) {
        EXPECT_EQ(part.origin, (std::vector<std::int64_t>{row, 0}));
        EXPECT_EQ(part.view.shape, (std::vector<std::int64_t>{1, columns}));
        EXPECT_TRUE(std::equal(values.begin() + row * columns, values.begin() + (row + 1) * columns,
                               static_cast<const float*>(part.view.data)));
        ++row;
      });
      EXPECT_EQ(row, rows);
    }
  }
}

TEST_F(Npz, MembersOfOtherTypesAreListed) {
  write_npz(
      directory_ / "0.npz",
      {{"labels.npy", npy(npy_header("<i8", "(1,)"), std::string(8, '\0'))}, {"x.npy", npy_f32("()", {1})}},
      Packing::stored);
  const auto dump = open_dumps(directory_.path());
  EXPECT_THAT(values_of(dump->open("x", 0)->view()), ElementsAre(1));
  EXPECT_THAT(message_of<InputError>([&] { dump->open("labels", 0); }),
              AllOf(HasSubstr("0.npz: tensor \"labels\""), HasSubstr("\"<i8\" cannot be calibrated")));
}

TEST_F(Npz, SaysWhichModelItWasRecordedFrom) {
  const std::string hash(64, 'a');
  std::string wide;
  for (const char c : hash) wide += std::string{c, '\0', '\0', '\0'};
  for (const auto& [descr, bytes] : {std::pair{std::string("<U64"), wide}, {std::string("|S64"), hash}}) {
    write_npz(directory_ / "0.npz", {{"__model_sha256__.npy", npy(npy_header(descr, "()"), bytes)}},
              Packing::deflated);
    const auto dump = open_dumps(directory_.path());
    EXPECT_EQ(dump->model_sha256(), hash);
    EXPECT_TRUE(dump->names().empty());
  }
  write_npz(directory_ / "0.npz", {{"__model_sha256__.npy", npy(npy_header("|S3", "()"), "abc")}},
            Packing::stored);
  EXPECT_THAT(error(), AllOf(HasSubstr("__model_sha256__.npy"), HasSubstr("64 hexadecimal digits")));
}

TEST_F(Npz, RefusesMembersThatAreNoNpy) {
  write_npz(directory_ / "0.npz", {{"readme.txt", "hello"}}, Packing::stored);
  EXPECT_THAT(error(), AllOf(HasSubstr("0.npz: member \"readme.txt\""), HasSubstr("numpy.savez")));
  write_npz(directory_ / "0.npz", {{"x.npy", "hello"}}, Packing::stored);
  EXPECT_THAT(error(), AllOf(HasSubstr("member \"x.npy\""), HasSubstr("not an npy file")));
  write_npz(directory_ / "0.npz", {{"x.npy", npy(npy_header(">f4", "(1,)"), "1234")}}, Packing::stored);
  EXPECT_THAT(error(), HasSubstr("\">f4\" cannot be calibrated"));
}

// Replaces every `from` in a file.
void patch(const std::filesystem::path& path, const std::string& from, const std::string& to) {
  std::string bytes = read_bytes(path);
  std::size_t patched = 0;
  for (std::size_t at = bytes.find(from); at != std::string::npos; at = bytes.find(from, at + to.size())) {
    bytes.replace(at, from.size(), to);
    ++patched;
  }
  ASSERT_GT(patched, 0u);
  write_bytes(path, bytes);
}

TEST_F(Npz, RefusesWhatAnArchiveCanLieAbout) {
  const auto path = directory_ / "0.npz";
  const std::vector<Member> members = {{"a.npy", npy_f32("(2,)", {1, 2})},
                                       {"b.npy", npy_f32("(2,)", {3, 4})}};
  write_npz(path, members, Packing::stored);
  patch(path, "b.npy", "a.npy");
  EXPECT_THAT(error(), AllOf(HasSubstr("\"a.npy\""), HasSubstr("twice")));

  write_npz(path, members, Packing::stored);
  patch(path, bytes_of(std::vector<float>{3, 4}), bytes_of(std::vector<float>{3, 5}));
  EXPECT_THAT(error(), AllOf(HasSubstr("tensor \"b\""), HasSubstr("damaged")));  // its checksum

  // In the archive's directory: flags and method of the first entry.
  const std::string entry = "PK\x01\x02";
  const auto change_entry = [&](std::size_t offset, char value) {
    write_npz(path, members, Packing::deflated);
    std::string bytes = read_bytes(path);
    bytes[bytes.find(entry) + offset] = value;
    write_bytes(path, bytes);
  };
  change_entry(8, 1);
  EXPECT_THAT(error(), AllOf(HasSubstr("\"a.npy\""), HasSubstr("encrypted")));
  change_entry(10, 12);
  EXPECT_THAT(error(), AllOf(HasSubstr("\"a.npy\""), HasSubstr("compression method 12")));
  change_entry(27, 0x70);  // the highest byte of the inflated size
  EXPECT_THAT(error(), AllOf(HasSubstr("\"a.npy\""), HasSubstr("cannot come from")));
}

TEST_F(Npz, TruncatedFilesAreRefused) {
  const auto path = directory_ / "0.npz";
  write_npz(path, {{"a.npy", npy_f32("(2,)", {1, 2})}}, Packing::deflated);
  const std::string whole = read_bytes(path);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write_bytes(path, whole.substr(0, length));
    EXPECT_THAT(error(), HasSubstr("0.npz")) << length;
  }
}

TEST_F(Npz, ChangedBytesNeverCrash) {
  const auto path = directory_ / "0.npz";
  for (const Packing packing : {Packing::stored, Packing::deflated}) {
    write_npz(path, {{"a.npy", npy_f32("(2,)", {1, 2})}}, packing);
    change_every_byte<InputError>(read_bytes(path), [&](const std::string& bytes) {
      write_bytes(path, bytes);
      const auto dump = open_dumps(directory_.path());
      for (const std::string& name : dump->names()) dump->open(name, 0);
    });
  }
}

TEST_F(Npz, AFileThatChangesMeanwhileIsAnError) {
  const auto path = directory_ / "0.npz";
  write_npz(path, {{"a.npy", npy_f32("(2,)", {1, 2})}}, Packing::stored);
  const auto dump = open_dumps(directory_.path());
  dump->open("a", 0);
  write_npz(path, {{"a.npy", npy_f32("(3,)", {1, 2, 3})}}, Packing::stored);
  EXPECT_THAT(message_of<InputError>([&] { dump->open("a", 0); }),
              HasSubstr("changed after its header was read"));
}

}  // namespace
}  // namespace qcal::testing
