#include "engine/graph/external_data.h"

#include <fmt/format.h>

#include <span>
#include <system_error>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/input_file.h"
#include "engine/error.h"

namespace qcal {
namespace {

namespace fs = std::filesystem;

fs::path path_inside(const fs::path& folder, const std::string& location, const std::string& subject) {
  const auto refuse = [&] {
    return InputError(subject + " lies outside the model's folder; only files inside it are read");
  };
  const fs::path relative(location);
  if (relative.is_absolute() || location.find('\0') != std::string::npos) throw refuse();
  for (const fs::path& part : relative) {
    if (part == "..") throw refuse();
  }
  std::error_code error;
  const fs::path root = fs::canonical(folder.empty() ? fs::path(".") : folder, error);
  if (error) throw InputError(fmt::format("{}: {}: {}", subject, folder.string(), error.message()));
  fs::path file = fs::canonical(root / relative, error);
  if (error) throw InputError(fmt::format("{}: {}", subject, error.message()));
  const fs::path inside = file.lexically_relative(root);
  if (inside.empty() || *inside.begin() == "..") throw refuse();
  if (!fs::is_regular_file(file, error)) throw InputError(subject + " is not a regular file");
  return file;
}

}  // namespace

std::string read_external_data(const fs::path& folder, const ExternalLocation& where, std::uint64_t bytes,
                               const std::string& tensor) {
  if (where.location.empty()) throw InputError(tensor + ": external data without a location");
  const std::string subject = fmt::format("{}: external data {}", tensor, in_quotes(where.location));
  if (where.length && *where.length != bytes) {
    throw InputError(
        fmt::format("{} has length {}, the tensor needs {} bytes", subject, *where.length, bytes));
  }
  const InputFile file(path_inside(folder, where.location, subject));
  if (where.offset > file.size() || file.size() - where.offset < bytes) {
    throw InputError(fmt::format("{} has {} bytes, needed are {} from offset {}", subject, file.size(), bytes,
                                 where.offset));
  }
  std::string data(bytes, '\0');
  file.read(where.offset, std::as_writable_bytes(std::span(data)));
  return data;
}

}  // namespace qcal
