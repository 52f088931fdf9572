#include <onnx/onnx_pb.h>

#include <cstring>

#include "config/parse_config.h"
#include "engine/graph/onnx_reader.h"
#include "engine/plan/quantization_plan.h"
#include "engine/transform/cross_layer_equalization.h"
#include "engine/transform/normalise.h"
#include "engine/transform/onnx_spelling.h"
#include "tests/fuzz/fuzzed_file.h"
#include "tests/fuzz/message_mutator.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qcal;
  testing::read_or_refuse("net.onnx", [&] {
    const Graph graph = normalise(parse_onnx(testing::as_text(data, size), "net.onnx", QCAL_EXTERNAL_DATA));
    make_plan(graph, default_configuration());
    for (const auto rule : {EqualizationRule::exact, EqualizationRule::vitis})
      onnx_spelling(equalize_layers(graph, rule).graph);
  });
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t largest);

// Every fourth change is one of bytes.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t largest,
                                               unsigned seed) {
  static const std::vector<std::string> words{"Conv",         "ConvTranspose",
                                              "Gemm",         "MatMul",
                                              "Add",          "BatchNormalization",
                                              "Relu",         "Clip",
                                              "Reshape",      "Transpose",
                                              "Concat",       "Slice",
                                              "Gather",       "Shape",
                                              "Constant",     "ConstantOfShape",
                                              "Expand",       "Tile",
                                              "Range",        "Where",
                                              "Split",        "Pad",
                                              "Resize",       "MaxPool",
                                              "Flatten",      "Squeeze",
                                              "Cast",         "If",
                                              "Dropout",      "Identity",
                                              "Unsqueeze",    "ReduceMean",
                                              "axis",         "perm",
                                              "pads",         "strides",
                                              "kernel_shape", "dilations",
                                              "group",        "auto_pad",
                                              "axes",         "value",
                                              "to",           "SAME_UPPER",
                                              "weights.bin"};
  onnx::ModelProto model;
  if (seed % 4 == 0 || !model.ParseFromArray(data, int(size))) return LLVMFuzzerMutate(data, size, largest);
  qcal::testing::MessageMutator(seed, words).mutate(model);
  const std::string bytes = model.SerializePartialAsString();
  if (bytes.size() > largest) return LLVMFuzzerMutate(data, size, largest);
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}
