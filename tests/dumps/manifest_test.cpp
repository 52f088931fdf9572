#include "engine/dumps/manifest.h"

#include <gmock/gmock.h>

#include "tests/dumps/file_test.h"

namespace qcal::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ManifestFile : public FileTest<Manifest> {
 protected:
  ManifestFile() : FileTest("manifest.json", read_manifest) {}
};

TEST_F(ManifestFile, KeepsTheOrderOfTensorsAndBatches) {
  const Manifest manifest =
      read(R"({"recorder": {"any": 1}, "tensors": {"z/..": ["9.npy", "sub/1.npy"], "a": []}})");
  EXPECT_FALSE(manifest.model_sha256);
  ASSERT_EQ(manifest.tensors.size(), 2u);
  EXPECT_EQ(manifest.tensors[0].tensor, "z/..");
  EXPECT_THAT(manifest.tensors[0].batches, ElementsAre(directory_ / "9.npy", directory_ / "sub/1.npy"));
  EXPECT_EQ(manifest.tensors[1].tensor, "a");
  EXPECT_THAT(manifest.tensors[1].batches, IsEmpty());
}

TEST_F(ManifestFile, ReadsTheModelHash) {
  const std::string hash(64, 'B');
  EXPECT_EQ(read(R"({"model_sha256": ")" + hash + R"(", "tensors": {}})").model_sha256, std::string(64, 'b'));
  EXPECT_FALSE(read(R"({"model_sha256": null, "tensors": {}})").model_sha256);
  EXPECT_THAT(error(R"({"model_sha256": "12", "tensors": {}})"), HasSubstr("64 hexadecimal"));
  EXPECT_THAT(error(R"({"model_sha256": ")" + std::string(64, 'g') + R"(", "tensors": {}})"),
              HasSubstr("64 hexadecimal"));
}

TEST_F(ManifestFile, FilesStayInsideTheDirectory) {
  for (const char* name : {"/etc/passwd", "../0.npy", "sub/../../0.npy", "..", "sub/.."}) {
    EXPECT_THAT(error(std::string(R"({"tensors": {"conv1": [")") + name + R"("]}})"),
                HasSubstr("leads out of the dump"))
        << name;
  }
  EXPECT_THAT(error(R"({"tensors": {"conv1": [""]}})"), HasSubstr("is not a file name"));
  EXPECT_THAT(error(R"({"tensors": {"conv1": ["0.npy\u0000.txt"]}})"), HasSubstr("is not a file name"));
  EXPECT_THAT(read(R"({"tensors": {"conv1": ["..npy", "a..b"]}})").tensors.at(0).batches.size(), 2u);
}

TEST_F(ManifestFile, RefusesMalformedText) {
  EXPECT_THAT(error(""), HasSubstr(":1:1: not valid JSON"));
  EXPECT_THAT(error("{\n \"tensors\": {\n}"), HasSubstr(":3:2: not valid JSON"));
  EXPECT_THAT(error("[]"), HasSubstr("must be an object"));
  EXPECT_THAT(error("{}"), HasSubstr("no \"tensors\""));
  EXPECT_THAT(error(R"({"tensors": []})"), HasSubstr("must be an object"));
  EXPECT_THAT(error(R"({"tensors": {"a": "0.npy"}})"), HasSubstr("tensor \"a\": must be a list"));
  EXPECT_THAT(error(R"({"tensors": {"a": [0]}})"), HasSubstr("every batch must be a file name"));
  EXPECT_THAT(error(R"({"tensors": {"": ["0.npy"]}})"), HasSubstr("without a name"));
  EXPECT_THAT(error(R"({"tensors": {"a": [], "b": [], "a": []}})"),
              HasSubstr("manifest.json: the key \"tensors\".\"a\" stands twice"));
  EXPECT_THAT(error(R"({"tensors": {}, "tensors": {}})"), HasSubstr("the key \"tensors\" stands twice"));
}

TEST_F(ManifestFile, RefusesHostileText) {
  EXPECT_THAT(error(std::string(1'000'000, '[')), HasSubstr(":1:65: not valid JSON: nested deeper than 64"));
  EXPECT_THAT(error(R"({"x": 1e999, "tensors": {}})"), HasSubstr("Number too big"));
  EXPECT_THAT(error("{\"x\": " + std::string(400, '9') + "}"), HasSubstr("Number too big"));
  EXPECT_THAT(error("{\"\xff\": 1}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(error(R"({"tensors": {}, "x": [0, {"y": {"z": 1, "z": 2}}]})"),
              HasSubstr("the key \"x\"[1].\"y\".\"z\" stands twice"));
}

TEST_F(ManifestFile, RefusesEveryTruncation) {
  const std::string whole = R"({"tensors": {"a": ["0.npy"]}})";
  for (std::size_t length = 0; length < whole.size(); ++length) error(whole.substr(0, length));
}

}  // namespace
}  // namespace qcal::testing
