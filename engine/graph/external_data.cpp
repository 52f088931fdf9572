#include "engine/graph/external_data.h"

#include <fmt/format.h>

#include <fstream>
#include <system_error>

#include "engine/error.h"

namespace qcal {
namespace {

namespace fs = std::filesystem;

fs::path path_inside(const fs::path& folder, const std::string& location, const std::string& tensor) {
  const auto refuse = [&] {
    return InputError(
        fmt::format("{}: external data '{}' lies outside the model's folder; only files inside it are read",
                    tensor, location));
  };
  const fs::path relative(location);
  if (relative.empty()) throw InputError(fmt::format("{}: external data without a location", tensor));
  if (relative.is_absolute() || location.find('\0') != std::string::npos) throw refuse();
  for (const fs::path& part : relative) {
    if (part == "..") throw refuse();
  }
  std::error_code error;
  const fs::path root = fs::canonical(folder.empty() ? fs::path(".") : folder, error);
  if (error) throw InputError(fmt::format("{}: {}: {}", tensor, folder.string(), error.message()));
  const fs::path file = fs::canonical(root / relative, error);
  if (error) throw InputError(fmt::format("{}: external data '{}': {}", tensor, location, error.message()));
  const fs::path inside = file.lexically_relative(root);
  if (inside.empty() || *inside.begin() == "..") throw refuse();
  if (!fs::is_regular_file(file, error)) {
    throw InputError(fmt::format("{}: external data '{}' is not a file", tensor, location));
  }
  return file;
}

}  // namespace

std::string read_external_data(const fs::path& folder, const ExternalLocation& where, std::uint64_t bytes,
                               const std::string& tensor) {
  if (where.length && *where.length != bytes) {
    throw InputError(fmt::format("{}: external data '{}' has length {}, the tensor needs {} bytes", tensor,
                                 where.location, *where.length, bytes));
  }
  const fs::path file = path_inside(folder, where.location, tensor);
  std::error_code error;
  const std::uint64_t size = fs::file_size(file, error);
  if (error)
    throw InputError(fmt::format("{}: external data '{}': {}", tensor, where.location, error.message()));
  if (where.offset > size || size - where.offset < bytes) {
    throw InputError(fmt::format("{}: external data '{}' has {} bytes, needed are {} from offset {}", tensor,
                                 where.location, size, bytes, where.offset));
  }
  std::ifstream stream(file, std::ios::binary);
  std::string data(bytes, '\0');
  stream.seekg(static_cast<std::streamoff>(where.offset));
  stream.read(data.data(), static_cast<std::streamsize>(bytes));
  if (!stream) throw InputError(fmt::format("{}: external data '{}' cannot be read", tensor, where.location));
  return data;
}

}  // namespace qcal
