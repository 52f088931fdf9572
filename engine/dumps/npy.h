// NumPy's npy files: one array a file, format 1.0, 2.0 and 3.0.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <filesystem>
#include <string_view>

#include "engine/dumps/stored_tensor.h"

namespace qcal {

// Reads and checks the header; the values are not touched. float16, float32 and float64 in the machine's byte
// order, C or Fortran order. Every other type is an error that says how to convert: npy has no bfloat16, and
// calibrating an array of integers is nearly always a mistake. The file must be exactly as long as the header
// says. `tensor` is named in messages. Throws InputError.
StoredTensor read_npy_header(const std::filesystem::path& path, std::string_view tensor);

}  // namespace qcal
