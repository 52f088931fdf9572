#include "engine/run/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <utility>

#include "engine/dumps/input_file.h"
#include "engine/error.h"
#include "engine/export/atomic_output.h"
#include "engine/export/durable_file.h"
#include "engine/export/staging.h"

namespace qcal {

Checkpoint::Checkpoint(std::filesystem::path file, Seconds every)
    : file_(std::move(file)), aside_(file_.string() + ".part"), every_(every) {
  if (!file_.has_filename() || std::filesystem::is_directory(file_))
    throw InputError(file_.string() + ": a directory; the checkpoint is to be a file");
  if (!std::filesystem::is_directory(directory_of(file_)))
    throw InputError(file_.string() + ": in no directory that exists");
  const AtomicOutput writable(directory_of(file_));
}

std::optional<std::string> Checkpoint::load() const {
  if (!std::filesystem::exists(file_)) return std::nullopt;
  return read_state_file(file_);
}

void Checkpoint::offer(const std::function<std::string()>& state) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  const Clock::time_point start = Clock::now();
  if (!lock.owns_lock() || start - last_ < pause_) return;
  write(state());
  last_ = Clock::now();
  if (every_ > Seconds::zero()) pause_ = std::max(every_, Seconds(100 * (last_ - start)));
}

void Checkpoint::write(const std::string& bytes) const {
  std::error_code error;
  std::filesystem::remove(aside_, error);
  write_new_file(aside_, bytes);
  std::filesystem::rename(aside_, file_, error);
  if (error)
    throw IoError(
        fmt::format("{}: cannot rename to {}: {}", aside_.string(), file_.string(), error.message()));
  flush_directory(directory_of(file_));
}

void Checkpoint::remove() {
  std::error_code ignored;
  std::filesystem::remove(aside_, ignored);
  std::filesystem::remove(file_, ignored);
}

std::string read_state_file(const std::filesystem::path& file) {
  return read_text_file(file, std::uint64_t{1} << 36);
}

}  // namespace qcal
