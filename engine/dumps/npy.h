// NumPy's npy files: one array a file, format 1.0, 2.0 and 3.0.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "engine/dumps/stored_tensor.h"

namespace qcal {

// The bytes of an npy file, wherever they lie.
struct NpyInput {
  std::uint64_t bytes = 0;
  std::function<void(std::span<std::byte>)> read;  // the next ones
};

// What to do with dtypes that cannot be calibrated: throw, or give the tensor without a DType.
enum class OtherTypes { refused, listed };

// Reads and checks the header at the start of `input`, whose values are not touched. Path, stamp and member
// of the result are the caller's. `where` begins messages. Throws InputError.
StoredTensor read_npy(const NpyInput& input, const std::string& where, OtherTypes other_types);

// The same for a file. The values are not touched. float16, float32 and float64 in the machine's byte
// order, C or Fortran order. Every other type is an error that says how to convert: npy has no bfloat16, and
// calibrating an array of integers is nearly always a mistake. The file must be exactly as long as the header
// says. `tensor` is named in messages. Throws InputError.
StoredTensor read_npy_header(const std::filesystem::path& path, std::string_view tensor);

}  // namespace qcal
