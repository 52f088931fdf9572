// An .onnx file to a Graph.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/graph/graph.h"

namespace qcal {

// Reads the network as it is written; nothing is folded or simplified, except that Constant nodes become
// constants and unnamed nodes take the name of their first output.
//
// Opset 9 and later; weights inline or in files beside the model. Unknown operators are kept as they are.
// Throws InputError naming the file where it is missing, empty, truncated, larger than 2 GiB (protobuf's
// limit), or not a network: tensors whose bytes do not match their shape, values read but never produced,
// cycles.
Graph read_onnx(const std::filesystem::path& file);

// The same from bytes in memory. `name` is used in messages; external data are looked up in `folder`.
Graph parse_onnx(std::string_view bytes, const std::string& name, const std::filesystem::path& folder);

}  // namespace qcal
