#include "config/describe.h"
#include "config/parse_config.h"
#include "config/resolve.h"
#include "tests/fuzz/fuzzed_file.h"

namespace {

const std::vector<qcal::LayerIdentity> layers{
    {"/layer1/layer1.0/conv1/Conv", "layer1.0.conv1", {"Conv", "Conv2d"}},
    {"fc", "", {"Gemm", "Linear"}},
    {"", "", {}},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qcal;
  for (const Compatibility compatibility : {Compatibility::standard, Compatibility::vitis}) {
    const ParsedConfiguration parsed =
        parse_config(testing::as_text(data, size), {.file = "config.json", .compatibility = compatibility});
    for (const Diagnostic& diagnostic : parsed.diagnostics) {
      testing::require(diagnostic.text().starts_with("config.json:"), "nowhere: " + diagnostic.text());
      testing::require(diagnostic.text().find('\n') == std::string::npos, "lines: " + diagnostic.text());
    }
    if (!parsed.ok()) continue;
    for (const LayerIdentity& layer : layers) resolve(parsed.configuration, layer);
  }
  return 0;
}
