#include "engine/state/sealed.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/sha256.h"
#include "engine/error.h"
#include "engine/state/bytes.h"

namespace qcal {
namespace {

constexpr std::string_view magic("\x89QCAL\r\n\x1a", 8);
constexpr std::uint32_t format_version = 1;
constexpr std::size_t contents_at = 20;
constexpr std::size_t digest_bytes = 64;

// Of a long value the neighbourhood of `at`.
std::string excerpt(const std::string& value, std::size_t at) {
  constexpr std::size_t before = 40;
  constexpr std::size_t shown = 80;
  if (value.size() <= shown) return in_quotes(value);
  const std::size_t from = at > before ? at - before : 0;
  const std::string text = in_quotes(value.substr(from, shown));
  return (from > 0 ? "..." : "") + text + (from + shown < value.size() ? "..." : "");
}

}  // namespace

std::string sealed(std::string_view contents) {
  ByteWriter numbers;
  numbers.fixed(format_version, 4);
  numbers.fixed(contents.size(), 8);
  const std::string bytes = std::string(magic) + numbers.take() + std::string(contents);
  return bytes + sha256_of(bytes);
}

std::string_view opened(std::string_view bytes, const std::string& source) {
  const auto refuse = [&](const std::string& why) { throw InputError(source + ": " + why); };
  if (!bytes.starts_with(magic.substr(0, std::min(magic.size(), bytes.size()))) || bytes.empty())
    refuse("no state of a calibration");
  if (bytes.size() < seal_bytes) refuse(fmt::format("cut off after {} bytes", bytes.size()));
  ByteReader numbers(bytes.substr(magic.size()), source);
  const std::uint64_t version = numbers.fixed(4);
  if (version != format_version)
    refuse(fmt::format("state format {}, but this qcal reads format {}", version, format_version));
  const std::uint64_t length = numbers.fixed(8);
  if (length != bytes.size() - seal_bytes) {
    refuse(fmt::format("{} bytes of contents where {} were written; the file is cut off or was added to",
                       bytes.size() - seal_bytes, length));
  }
  const std::size_t end = bytes.size() - digest_bytes;
  if (sha256_of(bytes.substr(0, end)) != bytes.substr(end))
    refuse("its checksum does not fit: it was changed after it was written");
  return bytes.substr(contents_at, end - contents_at);
}

void require_same(const Identity& found, const Identity& wanted, const std::string& source) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& [what, value] = wanted[i];
    if (i >= found.size() || found[i].first != what)
      throw InputError(fmt::format("{}: does not say its {}", source, what));
    const std::string& other = found[i].second;
    if (other == value) continue;
    const auto parted = std::mismatch(other.begin(), other.end(), value.begin(), value.end());
    const auto at = static_cast<std::size_t>(parted.first - other.begin());
    throw InputError(
        fmt::format("{}: of another {}: {}, not {}", source, what, excerpt(other, at), excerpt(value, at)));
  }
}

}  // namespace qcal
