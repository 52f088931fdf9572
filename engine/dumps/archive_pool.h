// Keeps zip archives open between the tensors that are read from them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>

#include "engine/dumps/zip_archive.h"

namespace qcal {

// Opening an archive reads its whole directory: for each of thousands of tensors anew, that would take longer
// than reading them. Archives are lent to one reader at a time. Thread-safe.
class ArchivePool {
 public:
  // One that is open, or opened now. Throws InputError.
  std::unique_ptr<ZipArchive> take(const std::filesystem::path& path);
  void give_back(std::unique_ptr<ZipArchive> archive);

 private:
  static constexpr std::size_t most_archives = 64;        // descriptors
  static constexpr std::uint64_t most_members = 100'000;  // memory: some 100 bytes each

  std::mutex mutex_;
  std::list<std::unique_ptr<ZipArchive>> spare_;  // most recently used first
};

}  // namespace qcal
