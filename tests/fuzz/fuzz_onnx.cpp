#include "config/parse_config.h"
#include "engine/graph/onnx_reader.h"
#include "engine/plan/quantization_plan.h"
#include "engine/transform/normalise.h"
#include "tests/fuzz/fuzzed_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qcal;
  testing::read_or_refuse("net.onnx", [&] {
    const Graph graph = parse_onnx(testing::as_text(data, size), "net.onnx", QCAL_EXTERNAL_DATA);
    make_plan(normalise(graph), default_configuration());
  });
  return 0;
}
