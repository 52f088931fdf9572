// NumPy's npz files: a zip archive of npy members, stored or deflated; one batch a file.
// https://numpy.org/doc/stable/reference/generated/numpy.savez.html
#pragma once

#include <filesystem>

#include "engine/dumps/batch_file.h"

namespace qcal {

// Reads the archive's directory and the header of every member; values are not touched. A tensor's name is
// its member's without ".npy"; float16, float32 and float64 can be calibrated, members of other dtypes are
// listed without a DType. The hash is the string array __model_sha256__. Throws InputError naming file and
// member.
BatchFile read_npz_header(const std::filesystem::path& path);

}  // namespace qcal
