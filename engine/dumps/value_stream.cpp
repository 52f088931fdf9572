#include "engine/dumps/value_stream.h"

#include <optional>
#include <utility>

#include "engine/dumps/zip_archive.h"
#include "engine/error.h"

namespace qcal {
namespace {

void check_unchanged(const FileStamp& now, const FileStamp& then, const std::string& where) {
  if (now == then) return;
  throw InputError(where + ": the file changed after its header was read: is it still being recorded?");
}

class FileValues final : public ValueStream {
 public:
  FileValues(const StoredTensor& stored, const std::string& where) : file_(stored.path), at_(stored.offset) {
    check_unchanged(file_.stamp(), stored.stamp, where);
  }
  void read(std::span<std::byte> into) override {
    file_.read(at_, into);
    at_ += into.size();
  }
  void finish() override {}

 private:
  InputFile file_;
  std::uint64_t at_;
};

class MemberValues final : public ValueStream {
 public:
  MemberValues(const StoredTensor& stored, ArchivePool& archives, const std::string& where)
      : archives_(archives), archive_(archives.take(stored.path)) {
    check_unchanged(InputFile(stored.path).stamp(), stored.stamp, where);
    check_unchanged(archive_->stamp(), stored.stamp, where);
    member_.emplace(archive_->open(*stored.member, where));
    member_->skip(stored.offset);
  }
  ~MemberValues() override {
    member_.reset();
    archives_.give_back(std::move(archive_));
  }
  void read(std::span<std::byte> into) override { member_->read(into); }
  void finish() override { member_->finish(); }

 private:
  ArchivePool& archives_;
  std::unique_ptr<ZipArchive> archive_;
  std::optional<ZipMember> member_;
};

}  // namespace

std::unique_ptr<ValueStream> open_values(const StoredTensor& stored, ArchivePool& archives,
                                         const std::string& where) {
  if (stored.member) return std::make_unique<MemberValues>(stored, archives, where);
  return std::make_unique<FileValues>(stored, where);
}

}  // namespace qcal
