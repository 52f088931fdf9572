// safetensors files: a JSON header, then the values of many tensors in one buffer.
// https://github.com/huggingface/safetensors#format
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/dumps/stored_tensor.h"

namespace qcal {

struct NamedTensor {
  std::string name;
  StoredTensor tensor;
};

struct SafetensorsHeader {
  std::vector<NamedTensor> tensors;         // in the order of the header
  std::optional<std::string> model_sha256;  // __metadata__.model_sha256, lower case
};

// Reads and checks the header: lengths, types, and that the tensors tile the buffer without overlap, gap or
// remainder, as the format demands. F64, F32, F16 and BF16 can be calibrated; tensors of other types are
// listed without a DType. Throws InputError.
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path);

}  // namespace qcal
