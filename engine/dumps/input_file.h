// A file open for reading, with positioned reads that either deliver every byte or throw.
//
// Files are read, not mapped, although a mapping would be less code and skips a copy (0.1 s a GB). A mapped
// file that is truncated by its writer, or whose network file system goes away, kills the process with
// SIGBUS; no size check closes that window, and a signal handler is process-wide state that a library must
// not own. Worse, a mapped file can change between two passes over it, and the second pass relies on the
// range that the first one found. A private copy is stable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace qcal {

// Tells a file from its later self: a writer that truncates, appends or rewrites changes one of these.
struct FileStamp {
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

class InputFile {
 public:
  // Throws InputError where there is no such regular file, IoError where the system refuses to open it.
  explicit InputFile(std::filesystem::path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return stamp_.size; }
  const FileStamp& stamp() const { return stamp_; }

  // Fills `into` with the bytes from `offset` on. Throws IoError where the file ends earlier or the device
  // fails. Thread-safe. Cost: one copy.
  void read(std::uint64_t offset, std::span<std::byte> into) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  FileStamp stamp_;
};

// The whole file as text. Throws InputError where it is larger than `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit);

}  // namespace qcal
