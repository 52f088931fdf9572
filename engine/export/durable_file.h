// Writing that reports every failure: what the system calls behind the atomic output come down to.
#pragma once

#include <filesystem>
#include <string_view>

namespace qcal {

// Creates the file, which must not exist, writes it and flushes it to the device. On failure the file is
// removed. Throws IoError.
void write_new_file(const std::filesystem::path& path, std::string_view contents);

// Writes to something that exists and is no regular file: a device, a pipe. Throws IoError.
void write_to_device(const std::filesystem::path& path, std::string_view contents);

// Makes names created in, or renamed into, the directory survive a power failure. Throws IoError.
void flush_directory(const std::filesystem::path& directory);

// One process at a time, among those that lock `directory` too; the others wait in the constructor. The
// system takes the lock back when a process ends. Where the file system knows no locks, nobody waits. Throws
// IoError.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::filesystem::path& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace qcal
