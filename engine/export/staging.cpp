#include "engine/export/staging.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "engine/error.h"
#include "engine/export/durable_file.h"

namespace qcal {

std::filesystem::path without_trailing_slash(const std::filesystem::path& path) {
  if (path.empty()) return ".";
  return path.has_filename() || !path.has_relative_path() ? path : path.parent_path();
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
  const std::filesystem::path parent = without_trailing_slash(path).parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

CreatedDirectories::CreatedDirectories(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> missing;
  std::error_code ignored;  // what cannot be looked at cannot be created either, and mkdir says why
  for (std::filesystem::path at = without_trailing_slash(path); !std::filesystem::exists(at, ignored);
       at = directory_of(at)) {
    missing.push_back(at);
    if (at == directory_of(at)) break;
  }
  std::reverse(missing.begin(), missing.end());
  for (const std::filesystem::path& directory : missing) {
    if (::mkdir(directory.c_str(), 0777) == 0) {
      created_.push_back(directory);
    } else if (errno != EEXIST) {
      const int error = errno;
      for (auto at = created_.rbegin(); at != created_.rend(); ++at) ::rmdir(at->c_str());
      throw IoError(fmt::format("{}: cannot create the directory: {}", directory.string(),
                                std::generic_category().message(error)));
    }
  }
}

CreatedDirectories::~CreatedDirectories() {
  for (auto at = created_.rbegin(); at != created_.rend(); ++at) ::rmdir(at->c_str());
}

void CreatedDirectories::keep() {
  for (const std::filesystem::path& directory : created_) flush_directory(directory_of(directory));
  created_.clear();
}

StagingDirectory::StagingDirectory(const std::filesystem::path& parent, const std::string& purpose) {
  // A crashed process with our number may have left a directory of that name.
  constexpr int most_attempts = 1000;
  constexpr std::size_t longest = 100;  // a name that just fits the file system would not with our addition
  int error = 0;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    const std::filesystem::path path =
        parent / fmt::format(".{}.qcal-{}-{}", purpose.substr(0, longest), ::getpid(), attempt);
    if (::mkdir(path.c_str(), 0777) == 0) {
      path_ = path;
      return;
    }
    error = errno;
    if (error != EEXIST) break;
  }
  throw IoError(
      fmt::format("{}: cannot write here: {}", parent.string(), std::generic_category().message(error)));
}

StagingDirectory::~StagingDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace qcal
