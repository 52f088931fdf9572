// SHA-256 (FIPS 180-4): ties a dump to the model file that it was recorded from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace qcal {

// Fed in pieces of any size. Our own rather than a dependency on a whole cryptography library: it recognises
// a file, and nothing secret passes through it.
class Sha256 {
 public:
  void update(std::span<const std::byte> bytes);
  // Lower-case hex, 64 digits. The object is used up.
  std::string hex();

 private:
  void block(const std::byte* bytes);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> pending_{};
  std::uint64_t bytes_ = 0;
};

std::string sha256_of(std::string_view bytes);

// Streamed: memory does not depend on the file's size. Throws InputError or IoError.
std::string sha256_of_file(const std::filesystem::path& path);

// 64 hexadecimal digits in lower case, or an empty string where `text` is no such thing.
std::string normalised_sha256(std::string_view text);

}  // namespace qcal
