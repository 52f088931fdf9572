#include "engine/export/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "engine/error.h"

namespace qcal {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what, int error) {
  throw IoError(
      fmt::format("{}: cannot {}: {}", path.string(), what, std::generic_category().message(error)));
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : path_(path) {
    value_ = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    if (value_ < 0) fail(path, "open", errno);
  }
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void write(std::string_view contents) const {
    while (!contents.empty()) {
      const ssize_t written = ::write(value_, contents.data(), contents.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(path_, "write", errno);
      contents.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void flush() const {
    // EINVAL and ENOTSUP: a file system without this operation, where nothing more can be done.
    if (::fsync(value_) != 0 && errno != EINVAL && errno != ENOTSUP) fail(path_, "flush", errno);
  }

  // Network file systems report a full disk only here.
  void close() {
    const int result = ::close(value_);
    value_ = -1;
    if (result != 0) fail(path_, "close", errno);
  }

 private:
  const std::filesystem::path& path_;
  int value_ = -1;
};

}  // namespace

void write_new_file(const std::filesystem::path& path, std::string_view contents) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_EXCL);
  try {
    file.write(contents);
    file.flush();
    file.close();
  } catch (const IoError&) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    throw;
  }
}

void write_to_device(const std::filesystem::path& path, std::string_view contents) {
  Descriptor device(path, O_WRONLY);
  device.write(contents);
  device.close();
}

void flush_directory(const std::filesystem::path& directory) {
  Descriptor(directory, O_RDONLY | O_DIRECTORY).flush();
}

DirectoryLock::DirectoryLock(const std::filesystem::path& directory)
    : descriptor_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (descriptor_ < 0) fail(directory, "open", errno);
  while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

DirectoryLock::~DirectoryLock() {
  ::close(descriptor_);
}

}  // namespace qcal
