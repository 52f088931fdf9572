// What the fuzz targets share: bytes as a file, and what a reader may do with them.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "engine/error.h"

namespace qcal::testing {

// A file in memory that has a path like any other.
class FuzzedFile {
 public:
  explicit FuzzedFile(std::string_view bytes) : descriptor_(::memfd_create("fuzzed", MFD_CLOEXEC)) {
    if (descriptor_ < 0 || ::write(descriptor_, bytes.data(), bytes.size()) != ssize_t(bytes.size())) {
      std::perror("memfd_create");
      std::exit(1);
    }
  }
  ~FuzzedFile() { ::close(descriptor_); }
  FuzzedFile(const FuzzedFile&) = delete;
  FuzzedFile& operator=(const FuzzedFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline void require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

// Calls `read`, which may succeed or refuse the file by an InputError that names it first and stays on one
// line. Every other exception ends the process, which the fuzzer reports as a crash.
template <class Read>
void read_or_refuse(const std::string& file, Read&& read) {
  try {
    read();
  } catch (const InputError& error) {
    const std::string message = error.what();
    require(message.starts_with(file + ":") || message.starts_with(file + " (header):"),
            "the message does not begin with the file: " + message);
    require(message.find('\n') == std::string::npos, "the message has several lines: " + message);
  }
}

}  // namespace qcal::testing
