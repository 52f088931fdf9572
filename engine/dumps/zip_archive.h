// Reading members of a zip archive (npz) one at a time, without inflating the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/dumps/input_file.h"

struct zip;
struct zip_file;

namespace qcal {

// A member while it is read, from its first byte to its last.
class ZipMember {
 public:
  // All of them throw InputError, beginning with the member's `where`, for data that are damaged or end
  // early.
  void read(std::span<std::byte> into);
  void skip(std::uint64_t bytes);
  // Behind the last byte: compares the checksum. Throws where bytes are left.
  void finish();

 private:
  friend class ZipArchive;
  struct Close {
    void operator()(zip_file* file) const;
  };
  ZipMember(zip_file* file, std::string where) : file_(file), where_(std::move(where)) {}

  std::unique_ptr<zip_file, Close> file_;
  std::string where_;
};

class ZipArchive {
 public:
  struct Member {
    std::string name;
    std::uint64_t bytes = 0;  // inflated
  };

  // Reads the directory of the archive. Throws InputError naming the file where it is none, or damaged.
  explicit ZipArchive(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const FileStamp& stamp() const { return stamp_; }  // when it was opened
  std::uint64_t size() const;
  // Member `index`. Throws InputError for one that is encrypted, compressed in another way than by deflate,
  // or whose size is more than its compressed bytes could inflate to.
  Member member(std::uint64_t index) const;
  // `where` begins messages about the member. The archive must outlive it.
  ZipMember open(std::uint64_t index, const std::string& where) const;

 private:
  struct Close {
    void operator()(zip* archive) const;
  };
  std::filesystem::path path_;
  FileStamp stamp_;
  std::unique_ptr<zip, Close> archive_;
};

}  // namespace qcal
