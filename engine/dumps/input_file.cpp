#include "engine/dumps/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "engine/error.h"

namespace qcal {
namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

}  // namespace

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) {
    const int error = errno;
    const std::string message = fmt::format("{}: {}", path_.string(), reason(error));
    if (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG || error == ELOOP)
      throw InputError(message);
    throw IoError(message);
  }
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) {
    const int error = errno;
    ::close(descriptor_);
    throw IoError(fmt::format("{}: {}", path_.string(), reason(error)));
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw InputError(fmt::format("{}: not a regular file", path_.string()));
  }
  stamp_.size = static_cast<std::uint64_t>(status.st_size);
  stamp_.modified_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);  // advice only: a refusal changes nothing
}

InputFile::~InputFile() {
  ::close(descriptor_);
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> into) const {
  // The kernel moves at most 0x7ffff000 bytes a call; a smaller piece keeps the call interruptible.
  constexpr std::size_t piece = std::size_t{1} << 30;
  while (!into.empty()) {
    const ssize_t got =
        ::pread(descriptor_, into.data(), std::min(into.size(), piece), static_cast<off_t>(offset));
    if (got < 0) {
      const int error = errno;
      if (error == EINTR) continue;
      throw IoError(fmt::format("{}: cannot read {} bytes at offset {}: {}", path_.string(), into.size(),
                                offset, reason(error)));
    }
    if (got == 0) {
      throw IoError(fmt::format("{}: ends at byte {}, {} bytes short: it shrank while it was read",
                                path_.string(), offset, into.size()));
    }
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit) {
  const InputFile file(path);
  if (file.size() > limit) {
    throw InputError(fmt::format("{}: {} bytes, more than the {} that such a file may have", path.string(),
                                 file.size(), limit));
  }
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace qcal
