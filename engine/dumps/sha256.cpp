#include "engine/dumps/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "engine/dumps/input_file.h"
#include "kernels/error.h"

namespace qcal {
namespace {

void require(int succeeded) {
  if (succeeded != 1) throw Error("OpenSSL does not compute SHA-256");
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::update(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest;
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::string sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  return hash.hex();
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const InputFile file(path);
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  Sha256 hash;
  for (std::uint64_t offset = 0; offset < file.size();) {
    const auto length =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), file.size() - offset));
    const std::span<std::byte> piece = std::span(buffer).first(length);
    file.read(offset, piece);
    hash.update(piece);
    offset += length;
  }
  return hash.hex();
}

std::string normalised_sha256(std::string_view text) {
  if (text.size() != 64) return {};
  std::string result;
  for (const char character : text) {
    if (character >= 'A' && character <= 'F') {
      result += static_cast<char>(character - 'A' + 'a');
    } else if ((character >= '0' && character <= '9') || (character >= 'a' && character <= 'f')) {
      result += character;
    } else {
      return {};
    }
  }
  return result;
}

}  // namespace qcal
