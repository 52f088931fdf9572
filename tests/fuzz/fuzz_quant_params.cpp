#include "engine/export/quant_params.h"
#include "tests/fuzz/fuzzed_file.h"

namespace {

using namespace qcal;

std::string parameters_again(const std::filesystem::path& path) {
  return quant_params_json(read_quant_params(path), {.per_channel_batches = true});
}

std::string origin_again(const std::filesystem::path& path) {
  const QuantParamsOrigin origin = read_quant_params_origin(path);
  return quant_params_json({}, {.model_sha256 = origin.model_sha256,
                                .config_json = origin.config_json,
                                .bias_corrections = origin.bias_corrections});
}

template <class Again>
void read_twice(const testing::FuzzedFile& file, const Again& again) {
  testing::read_or_refuse(file.path(), [&] {
    const std::string text = again(file.path());
    const testing::FuzzedFile written(text);
    testing::require(again(written.path()) == text, "what was read is not what is written");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const testing::FuzzedFile file(testing::as_text(data, size));
  read_twice(file, parameters_again);
  read_twice(file, origin_again);
  return 0;
}
