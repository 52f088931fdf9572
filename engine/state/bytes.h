// Numbers and texts as bytes, the same on every machine; reading them back never goes beyond the end.
//
// Whole numbers take as many bytes as they need, seven bits each, lowest first, the top bit set on all but
// the last; signed ones are folded first (0, -1, 1, -2, ... are 0, 1, 2, 3, ...). Floats are their bits,
// lowest byte first. A text is its length and its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/error.h"

namespace qcal {

class ByteWriter {
 public:
  void flag(bool value) { whole(value ? 1 : 0); }
  void whole(std::uint64_t value);
  void integer(std::int64_t value);
  void real(float value);
  void real(double value);
  void text(std::string_view value);
  // The lowest `count` bytes.
  void fixed(std::uint64_t value, int count);

  const std::string& bytes() const { return bytes_; }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Everything throws InputError, its message led by `source`, where the bytes end too early or do not say what
// is asked for.
class ByteReader {
 public:
  // `bytes` must outlive this object. `source`: the file, and what of it.
  ByteReader(std::string_view bytes, std::string source) : bytes_(bytes), source_(std::move(source)) {}

  bool flag();
  std::uint64_t whole();
  std::uint64_t whole(std::uint64_t most, std::string_view what);
  std::int64_t integer();
  float real32();
  double real64();
  // Of `count` bytes, at most 8.
  std::uint64_t fixed(std::size_t count);
  // Within what is left, like everything that is read.
  std::string_view text();
  // How many of something follow that take at least `least_bytes` each, so that room may be made for them.
  std::size_t count(std::size_t least_bytes, std::string_view what);
  // Nothing may be left.
  void end() const;

  // All that is left, which is then read.
  std::string_view rest() { return taken(bytes_.size()); }

  std::size_t left() const { return bytes_.size(); }
  const std::string& source() const { return source_; }
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  std::string_view taken(std::size_t count);

  std::string_view bytes_;
  std::string source_;
};

}  // namespace qcal
