#include "engine/export/atomic_output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/dumps/in_quotes.h"
#include "engine/error.h"
#include "engine/export/durable_file.h"
#include "engine/export/staging.h"

namespace qcal {
namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

void rename_or_fail(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return;
  const int error = errno;
  throw IoError(fmt::format("{}: cannot move the new file into place: {}", to.string(), reason(error)));
}

bool is_a_directory(const std::filesystem::path& path) {
  std::error_code ignored;  // what cannot be looked at will fail to be written, with a better message
  return std::filesystem::is_directory(path, ignored);
}

void make_directory(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::create_directory(path, error)) {
    throw IoError(fmt::format("{}: cannot create the directory: {}", path.string(), error.message()));
  }
}

// Moves new files over old ones; takes everything back unless told to keep it.
class Replacement {
 public:
  Replacement(std::filesystem::path directory, std::filesystem::path saved)
      : directory_(std::move(directory)), saved_(std::move(saved)) {}
  ~Replacement() {
    for (auto at = replaced_.rbegin(); at != replaced_.rend(); ++at) {
      // Nothing better can be done with a failure here than to go on with the other files.
      if (at->had_previous) {
        std::rename((saved_ / at->name).c_str(), (directory_ / at->name).c_str());
      } else {
        ::unlink((directory_ / at->name).c_str());
      }
    }
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  void replace(const std::string& name, const std::filesystem::path& by) {
    const std::filesystem::path target = directory_ / name;
    std::error_code ignored;
    if (std::filesystem::is_directory(std::filesystem::symlink_status(target, ignored))) {
      throw IoError(fmt::format("{}: is a directory; a file is to be written there", target.string()));
    }
    // A second link keeps the old file without a moment in which its name is gone. FAT has no links: moved
    // there.
    bool had_previous = ::link(target.c_str(), (saved_ / name).c_str()) == 0;
    if (!had_previous && errno != ENOENT) {
      rename_or_fail(target, saved_ / name);
      had_previous = true;
      replaced_.push_back({name, had_previous});
      rename_or_fail(by, target);
      return;
    }
    rename_or_fail(by, target);
    replaced_.push_back({name, had_previous});
  }

  void keep() { replaced_.clear(); }

 private:
  struct Replaced {
    std::string name;
    bool had_previous = false;
  };
  std::filesystem::path directory_;
  std::filesystem::path saved_;
  std::vector<Replaced> replaced_;
};

void check_writable(const std::filesystem::path& directory) {
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return;
  const int error = errno;
  throw IoError(fmt::format("{}: cannot write here: {}", directory.string(), reason(error)));
}

}  // namespace

AtomicOutput::AtomicOutput(const std::filesystem::path& directory)
    : directory_(without_trailing_slash(directory)) {
  std::filesystem::path at = directory_;
  std::error_code error;
  std::filesystem::file_status status = std::filesystem::status(at, error);
  while (status.type() == std::filesystem::file_type::not_found && at != directory_of(at)) {
    at = directory_of(at);
    status = std::filesystem::status(at, error);
  }
  if (status.type() == std::filesystem::file_type::none) {
    throw IoError(fmt::format("{}: {}", at.string(), error.message()));
  }
  if (!std::filesystem::is_directory(status)) {
    throw InputError(fmt::format("{}: not a directory; results are written to a directory", at.string()));
  }
  check_writable(at);
}

void AtomicOutput::add(const std::string& name, std::string contents) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    throw InvalidArgument(fmt::format("{} is not a file name", in_quotes(name)));
  }
  if (!files_.emplace(name, std::move(contents)).second) {
    throw InvalidArgument(fmt::format("{} was added twice", in_quotes(name)));
  }
}

void AtomicOutput::commit() {
  const bool existed = is_a_directory(directory_);
  const std::filesystem::path parent = directory_of(directory_);
  CreatedDirectories created(existed ? directory_ : parent);
  const StagingDirectory staging(existed ? directory_ : parent,
                                 existed ? "results" : directory_.filename().string());
  const std::filesystem::path fresh = staging.path() / "new";
  make_directory(fresh);
  for (const auto& [name, contents] : files_) write_new_file(fresh / name, contents);
  flush_directory(fresh);

  if (!existed) {
    if (std::rename(fresh.c_str(), directory_.c_str()) == 0) {
      try {
        flush_directory(parent);
        created.keep();
      } catch (const IoError&) {
        std::rename(directory_.c_str(), fresh.c_str());
        throw;
      }
      return;
    }
    const int error = errno;
    if (!is_a_directory(directory_)) {
      throw IoError(fmt::format("{}: cannot create the directory: {}", directory_.string(), reason(error)));
    }
    // Somebody created it meanwhile.
  }
  const std::filesystem::path saved = staging.path() / "old";
  make_directory(saved);
  const DirectoryLock lock(directory_);
  Replacement replacement(directory_, saved);
  for (const auto& [name, contents] : files_) replacement.replace(name, fresh / name);
  flush_directory(directory_);
  created.keep();
  replacement.keep();
}

void write_file_atomically(const std::filesystem::path& file, std::string_view contents) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (file.empty() || !file.has_filename() || std::filesystem::is_directory(status)) {
    throw InputError(fmt::format("{}: a directory; a file is to be written", file.string()));
  }
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    write_to_device(file, contents);
    return;
  }
  std::filesystem::path target = file;
  if (std::filesystem::exists(status)) {
    std::error_code failure;
    target = std::filesystem::canonical(file, failure);
    if (failure) throw IoError(fmt::format("{}: {}", file.string(), failure.message()));
  }
  const std::filesystem::path parent = directory_of(target);
  CreatedDirectories created(parent);
  const StagingDirectory staging(parent, target.filename().string());
  const std::filesystem::path fresh = staging.path() / "new";
  const std::filesystem::path saved = staging.path() / "old";
  make_directory(fresh);
  make_directory(saved);
  write_new_file(fresh / target.filename(), contents);
  Replacement replacement(parent, saved);
  replacement.replace(target.filename().string(), fresh / target.filename());
  flush_directory(parent);
  created.keep();
  replacement.keep();
}

}  // namespace qcal
