#include "engine/dumps/npz.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/npy.h"
#include "engine/dumps/sha256.h"
#include "engine/dumps/zip_archive.h"
#include "engine/error.h"

namespace qcal {
namespace {

constexpr std::string_view suffix = ".npy";
constexpr std::string_view hash_name = "__model_sha256__";

// The text of numpy's '<U64' (UTF-32) or '|S64'; "" for anything else.
std::string read_text(ZipMember& values, const StoredTensor& stored) {
  constexpr std::uint64_t longest = std::uint64_t{4} * 64;
  const bool wide = stored.stored_dtype.starts_with("<U");
  if ((!wide && !stored.stored_dtype.starts_with("|S")) || stored.bytes > longest) return "";
  std::string bytes(static_cast<std::size_t>(stored.bytes), '\0');
  values.read(std::as_writable_bytes(std::span(bytes)));
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += wide ? 4 : 1) text += bytes[i];
  return text;
}

}  // namespace

BatchFile read_npz_header(const std::filesystem::path& path) {
  const ZipArchive archive(path);
  BatchFile file;
  std::unordered_set<std::string> seen;
  for (std::uint64_t index = 0; index < archive.size(); ++index) {
    const ZipArchive::Member member = archive.member(index);
    const std::string where = fmt::format("{}: member {}", path.string(), in_quotes(member.name));
    if (!member.name.ends_with(suffix)) {
      throw InputError(where + ": not an npy member; write the file with numpy.savez");
    }
    std::string name = member.name.substr(0, member.name.size() - suffix.size());
    if (!seen.insert(name).second) throw InputError(where + ": listed twice");
    ZipMember values = archive.open(index, where);
    const auto read = [&](std::span<std::byte> into) { values.read(into); };
    StoredTensor stored = read_npy({member.bytes, read}, where, OtherTypes::listed);
    if (name == hash_name) {
      const std::string hash = normalised_sha256(read_text(values, stored));
      if (hash.empty()) throw InputError(where + ": not a string of 64 hexadecimal digits");
      file.model_sha256 = hash;
      continue;
    }
    stored.path = path;
    stored.stamp = archive.stamp();
    stored.member = index;
    file.tensors.push_back({std::move(name), std::move(stored)});
  }
  return file;
}

}  // namespace qcal
