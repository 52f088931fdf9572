// Directories that exist only until they are kept: what a failed write leaves behind is nothing.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace qcal {

// The missing directories on the way to `path`, created on construction. Unless kept they are removed again,
// as far as they are empty.
class CreatedDirectories {
 public:
  // Throws IoError.
  explicit CreatedDirectories(const std::filesystem::path& path);
  ~CreatedDirectories();
  CreatedDirectories(const CreatedDirectories&) = delete;
  CreatedDirectories& operator=(const CreatedDirectories&) = delete;

  // Also flushes their names to the device. Throws IoError.
  void keep();

 private:
  std::vector<std::filesystem::path> created_;  // outermost first
};

// A new hidden directory in `parent`, removed with all that is left in it on destruction.
class StagingDirectory {
 public:
  // `purpose` becomes part of the name, for whoever finds it after a crash. Throws IoError.
  StagingDirectory(const std::filesystem::path& parent, const std::string& purpose);
  ~StagingDirectory();
  StagingDirectory(const StagingDirectory&) = delete;
  StagingDirectory& operator=(const StagingDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// "a/b" for "a/b" and "a/b/"; "." for "".
std::filesystem::path without_trailing_slash(const std::filesystem::path& path);

// The directory that holds the path: "." for "a".
std::filesystem::path directory_of(const std::filesystem::path& path);

}  // namespace qcal
