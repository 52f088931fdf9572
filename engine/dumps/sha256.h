// SHA-256: ties a dump to the model file that it was recorded from.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace qcal {

// Fed in pieces of any size. OpenSSL's, which uses the processor's instructions for it.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  // Lower-case hex, 64 digits. The object is used up.
  std::string hex();

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

std::string sha256_of(std::string_view bytes);

// Streamed: memory does not depend on the file's size. Throws InputError or IoError.
std::string sha256_of_file(const std::filesystem::path& path);

// 64 hexadecimal digits in lower case, or an empty string where `text` is no such thing.
std::string normalised_sha256(std::string_view text);

}  // namespace qcal
