#include "engine/state/bytes.h"

#include <fmt/format.h>

#include <bit>

namespace qcal {

void ByteWriter::whole(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
  bytes_.push_back(static_cast<char>(value));
}

void ByteWriter::integer(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  whole((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

void ByteWriter::real(float value) {
  fixed(std::bit_cast<std::uint32_t>(value), 4);
}

void ByteWriter::real(double value) {
  fixed(std::bit_cast<std::uint64_t>(value), 8);
}

void ByteWriter::text(std::string_view value) {
  whole(value.size());
  bytes_ += value;
}

void ByteWriter::fixed(std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes_.push_back(static_cast<char>(value >> (8 * i)));
}

void ByteReader::refuse(const std::string& why) const {
  throw InputError(source_ + ": " + why);
}

std::string_view ByteReader::taken(std::size_t count) {
  if (count > bytes_.size())
    refuse(fmt::format("ends too early: {} bytes are wanted where {} are left", count, bytes_.size()));
  const std::string_view result = bytes_.substr(0, count);
  bytes_.remove_prefix(count);
  return result;
}

std::uint64_t ByteReader::fixed(std::size_t count) {
  const std::string_view bytes = taken(count);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

bool ByteReader::flag() {
  return whole(1, "a flag") == 1;
}

std::uint64_t ByteReader::whole() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(taken(1).front());
    if (shift == 63 && byte > 1) break;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  refuse("holds a number of more than 64 bits");
}

std::uint64_t ByteReader::whole(std::uint64_t most, std::string_view what) {
  const std::uint64_t value = whole();
  if (value > most) refuse(fmt::format("{} of {}, where {} is the most", what, value, most));
  return value;
}

std::int64_t ByteReader::integer() {
  const std::uint64_t folded = whole();
  return static_cast<std::int64_t>((folded >> 1) ^ ((folded & 1) != 0 ? ~std::uint64_t{0} : 0));
}

float ByteReader::real32() {
  return std::bit_cast<float>(static_cast<std::uint32_t>(fixed(4)));
}

double ByteReader::real64() {
  return std::bit_cast<double>(fixed(8));
}

std::string_view ByteReader::text() {
  const std::uint64_t length = whole();
  if (length > bytes_.size())
    refuse(fmt::format("ends too early: a text of {} bytes where {} are left", length, bytes_.size()));
  return taken(static_cast<std::size_t>(length));
}

std::size_t ByteReader::count(std::size_t least_bytes, std::string_view what) {
  const std::uint64_t value = whole();
  if (value > bytes_.size() / least_bytes)
    refuse(fmt::format("ends too early: {} {} in {} bytes", value, what, bytes_.size()));
  return static_cast<std::size_t>(value);
}

void ByteReader::end() const {
  if (!bytes_.empty()) refuse(fmt::format("{} bytes too many", bytes_.size()));
}

}  // namespace qcal
