// A graph back to an ONNX file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>

#include "engine/graph/graph.h"

namespace qcal {

// The bytes of an ONNX file, and of the file beside it that has what it cannot hold; `data` is empty where it
// holds all.
struct OnnxFiles {
  std::string model;
  std::string data;
};

// Where large tensors go once the model exceeds `limit` bytes, protobuf's own unless a test says otherwise.
struct DataFile {
  std::string name;  // without directories
  std::size_t limit = std::numeric_limits<std::int32_t>::max();
};

// The file `model` with the nodes and constants of `graph` in the place of its own.
//
// `as_read` is what read_onnx made of the file, and `graph` descends from it by transforms, in ONNX's own
// operators (engine/transform/onnx_spelling.h). What they left alone is copied from the file: tensors that
// are the same object in both, attributes with the same value, everything a node has beyond them, functions,
// metadata, the declared inputs, outputs and shapes of tensors that are still there. Constant nodes become
// initializers, and weights from files beside the model come into it. Graph::transforms become metadata that
// read_onnx finds again. The opset is that of `graph`. The same arguments give the same bytes.
//
// Throws InputError where the result would exceed protobuf's 2 GiB and there is no data file, and where a
// parameter was combined in float32 that the network computes in another type.
OnnxFiles write_onnx(const std::filesystem::path& model, const Graph& as_read, const Graph& graph,
                     const std::optional<DataFile>& data_file = {});

}  // namespace qcal
