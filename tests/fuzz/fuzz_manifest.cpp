#include "engine/dumps/manifest.h"
#include "tests/fuzz/fuzzed_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qcal;
  const testing::FuzzedFile file(testing::as_text(data, size));
  testing::read_or_refuse(file.path(), [&] {
    const std::string folder = file.path().parent_path().string() + "/";
    for (const ManifestEntry& entry : read_manifest(file.path()).tensors) {
      for (const std::filesystem::path& batch : entry.batches) {
        testing::require(batch.lexically_normal().string().starts_with(folder), "outside: " + batch.string());
      }
    }
  });
  return 0;
}
