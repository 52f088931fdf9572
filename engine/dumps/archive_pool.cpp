#include "engine/dumps/archive_pool.h"

#include <algorithm>
#include <utility>

namespace qcal {

std::unique_ptr<ZipArchive> ArchivePool::take(const std::filesystem::path& path) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(spare_.begin(), spare_.end(),
                                    [&](const auto& archive) { return archive->path() == path; });
    if (found != spare_.end()) {
      std::unique_ptr<ZipArchive> archive = std::move(*found);
      spare_.erase(found);
      return archive;
    }
  }
  return std::make_unique<ZipArchive>(path);
}

void ArchivePool::give_back(std::unique_ptr<ZipArchive> archive) {
  const std::lock_guard lock(mutex_);
  spare_.push_front(std::move(archive));
  std::size_t archives = 0;
  std::uint64_t members = 0;
  const auto is_too_much = [&](const auto& kept) {
    ++archives;
    members += kept->size();
    return archives > most_archives || members > most_members;
  };
  spare_.erase(std::find_if(spare_.begin(), spare_.end(), is_too_much), spare_.end());
}

}  // namespace qcal
