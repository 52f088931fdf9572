#include "engine/dumps/zip_archive.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <array>

#include "engine/dumps/in_quotes.h"
#include "engine/error.h"

namespace qcal {

void ZipMember::Close::operator()(zip_file* file) const {
  zip_fclose(file);
}

void ZipMember::read(std::span<std::byte> into) {
  while (!into.empty()) {
    const zip_int64_t got = zip_fread(file_.get(), into.data(), into.size());
    if (got < 0) throw InputError(fmt::format("{}: damaged: {}", where_, zip_file_strerror(file_.get())));
    if (got == 0) throw InputError(fmt::format("{}: ends {} bytes early", where_, into.size()));
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

void ZipMember::skip(std::uint64_t bytes) {
  std::array<std::byte, 4096> scratch;
  while (bytes > 0) {
    const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, scratch.size()));
    read(std::span(scratch).first(part));
    bytes -= part;
  }
}

void ZipMember::finish() {
  std::byte extra{};
  const zip_int64_t got = zip_fread(file_.get(), &extra, 1);
  if (got < 0) throw InputError(fmt::format("{}: damaged: {}", where_, zip_file_strerror(file_.get())));
  if (got > 0) throw InputError(fmt::format("{}: holds more bytes than the archive says", where_));
}

void ZipArchive::Close::operator()(zip* archive) const {
  zip_discard(archive);
}

ZipArchive::ZipArchive(const std::filesystem::path& path) : path_(path), stamp_(InputFile(path).stamp()) {
  int code = 0;
  archive_.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (archive_ == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw InputError(fmt::format("{}: cannot be read as an npz (zip) file: {}", path.string(), reason));
  }
}

std::uint64_t ZipArchive::size() const {
  return static_cast<std::uint64_t>(zip_get_num_entries(archive_.get(), 0));
}

ZipArchive::Member ZipArchive::member(std::uint64_t index) const {
  zip_stat_t stat;
  zip_stat_init(&stat);
  constexpr zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  if (zip_stat_index(archive_.get(), index, 0, &stat) != 0 || (stat.valid & needed) != needed) {
    throw InputError(fmt::format("{}: member {}: {}", path_.string(), index, zip_strerror(archive_.get())));
  }
  const std::string where = fmt::format("{}: member {}", path_.string(), in_quotes(stat.name));
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE) {
    throw InputError(where + ": is encrypted; save it with numpy.savez");
  }
  if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
    throw InputError(
        fmt::format("{}: compression method {}; numpy.savez stores, numpy.savez_compressed deflates", where,
                    stat.comp_method));
  }
  // Deflate makes at most 258 bytes of two bits; a stored member is as large as it is.
  constexpr zip_uint64_t most_inflation = 1032;
  const bool stored = stat.comp_method == ZIP_CM_STORE;
  const zip_uint64_t most = stored ? stat.comp_size : stat.comp_size * most_inflation;
  if (stat.comp_size > stamp_.size || stat.size > most) {
    throw InputError(fmt::format("{}: {} bytes cannot come from {} compressed ones in a file of {}", where,
                                 stat.size, stat.comp_size, stamp_.size));
  }
  return {stat.name, stat.size};
}

ZipMember ZipArchive::open(std::uint64_t index, const std::string& where) const {
  zip_file* file = zip_fopen_index(archive_.get(), index, 0);
  if (file == nullptr) throw InputError(fmt::format("{}: {}", where, zip_strerror(archive_.get())));
  return {file, where};
}

}  // namespace qcal
