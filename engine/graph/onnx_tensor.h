// onnx.TensorProto to Constant. Internal to the reader: the only header, with onnx_reader.cpp, that sees
// protobuf.
#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <string>

#include "engine/graph/graph.h"

namespace qcal {

// The model file that a tensor belongs to: external data are looked up beside it.
struct ModelFile {
  std::string name;  // for messages
  std::filesystem::path folder;
};

// Throws InputError naming file and tensor where the bytes do not match type and shape.
ConstantPointer read_tensor(const onnx::TensorProto& tensor, const ModelFile& file);

// The type and shape alone: the values stay unknown, since a sparse parameter is never quantized.
ConstantPointer read_sparse_tensor(const onnx::SparseTensorProto& tensor, const ModelFile& file);

}  // namespace qcal
