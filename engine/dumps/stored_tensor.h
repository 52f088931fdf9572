// Where the values of one batch lie, whatever the format: what a header says, checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/dumps/input_file.h"
#include "kernels/tensor_view.h"

namespace qcal {

struct StoredTensor {
  std::filesystem::path path;
  FileStamp stamp;                      // of the file when its header was read
  std::optional<std::uint64_t> member;  // of a zip archive: its index there
  std::uint64_t offset = 0;             // of the first value in the file, or in the inflated member
  std::uint64_t bytes = 0;
  std::optional<DType> dtype;  // absent: a type that cannot be calibrated
  std::string stored_dtype;    // the format's own name for it
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  // elements; empty means C order
};

// `where` of a message: the file, and the tensor where one is known.
std::string file_and_tensor(const std::filesystem::path& path, std::string_view tensor);

// "16x3x8x8", or "scalar" for a 0-d tensor.
std::string shape_text(const std::vector<std::int64_t>& shape);

// Elements times `element_bytes`; absent where that, or the product of the non-zero extents, does not fit.
std::optional<std::uint64_t> byte_count(const std::vector<std::int64_t>& shape, std::size_t element_bytes);

}  // namespace qcal
