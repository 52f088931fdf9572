// safetensors files: a JSON header, then the values of many tensors in one buffer.
// https://github.com/huggingface/safetensors#format
#pragma once

#include <filesystem>

#include "engine/dumps/batch_file.h"

namespace qcal {

// Reads and checks the header: lengths, types, and that the tensors tile the buffer without overlap, gap or
// remainder, as the format demands. F64, F32, F16 and BF16 can be calibrated; tensors of other types are
// listed without a DType. The hash is __metadata__.model_sha256. Throws InputError.
BatchFile read_safetensors_header(const std::filesystem::path& path);

}  // namespace qcal
