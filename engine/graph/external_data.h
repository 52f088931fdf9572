// Weights that lie in files beside the model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace qcal {

// Where a tensor says that its bytes are.
struct ExternalLocation {
  std::string location;  // path relative to the model's folder
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;  // absent: as many bytes as the tensor has
};

// Reads `bytes` bytes. Paths that leave `folder`, also through symbolic links, are refused.
// Throws InputError that begins with `tensor`; IoError that begins with the file where the system refuses to
// read it.
std::string read_external_data(const std::filesystem::path& folder, const ExternalLocation& where,
                               std::uint64_t bytes, const std::string& tensor);

}  // namespace qcal
