#include "engine/dumps/sha256.h"

#include <gtest/gtest.h>

#include "engine/error.h"
#include "tests/dumps/dump_files.h"

namespace qcal {
namespace {

using namespace qcal::testing;

std::string hash_of(std::string_view text, std::size_t piece) {
  Sha256 hash;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const std::string_view part = text.substr(at, piece);
    hash.update(std::as_bytes(std::span(part)));
  }
  return hash.hex();
}

// The examples of FIPS 180-4 and of the NIST cryptographic standards page.
TEST(Sha256, StandardExamples) {
  EXPECT_EQ(hash_of("", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_of("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 64),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hash_of(std::string(1'000'000, 'a'), 4096),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesDoNotMatter) {
  for (std::size_t length = 0; length < 200; ++length) {
    const std::string text(length, 'q');
    EXPECT_EQ(hash_of(text, 1), hash_of(text, 1000)) << length;
    EXPECT_EQ(hash_of(text, 7), hash_of(text, 64)) << length;
  }
}

TEST(Sha256, OfAFile) {
  EXPECT_EQ(sha256_of_file(std::filesystem::path(QCAL_MODELS) / "rn_digits/rn_digits.ts.op13.bn.onnx"),
            "19ac31075be300bd6914861309f918786efc597d45b6952f0960454f11d5a7f2");
  const TemporaryDirectory directory;
  write_bytes(directory / "large", std::string((1 << 20) + 5, 'a'));
  EXPECT_EQ(sha256_of_file(directory / "large"), hash_of(std::string((1 << 20) + 5, 'a'), 1 << 20));
  EXPECT_THROW(sha256_of_file(directory / "none"), InputError);
}

TEST(Sha256, Normalised) {
  EXPECT_EQ(normalised_sha256(std::string(64, 'F')), std::string(64, 'f'));
  EXPECT_EQ(normalised_sha256(std::string(63, 'f')), "");
  EXPECT_EQ(normalised_sha256(std::string(63, 'f') + "g"), "");
}

}  // namespace
}  // namespace qcal
