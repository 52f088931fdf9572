#include "engine/dumps/safetensors.h"
#include "tests/fuzz/fuzzed_file.h"
#include "tests/fuzz/read_values.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qcal;
  const testing::FuzzedFile file(testing::as_text(data, size));
  testing::read_or_refuse(file.path(), [&] { testing::read_values(read_safetensors_header(file.path())); });
  return 0;
}
