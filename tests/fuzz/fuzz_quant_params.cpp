#include "engine/export/quant_params.h"
#include "tests/fuzz/fuzzed_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qcal;
  const testing::FuzzedFile file(testing::as_text(data, size));
  testing::read_or_refuse(file.path(), [&] {
    const std::string text = quant_params_json(read_quant_params(file.path()), {.per_channel_batches = true});
    const testing::FuzzedFile again(text);
    testing::require(
        quant_params_json(read_quant_params(again.path()), {.per_channel_batches = true}) == text,
        "what was read is not what is written");
  });
  return 0;
}
