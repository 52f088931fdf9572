// A file that a run saves its state in from time to time, to be gone on with after it was killed.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace qcal {

class Checkpoint {
 public:
  using Seconds = std::chrono::duration<double>;

  // Creates nothing. Throws InputError where the file could not be written.
  Checkpoint(std::filesystem::path file, Seconds every);

  // What the last run has saved; absent where there is no such file. Throws InputError or IoError.
  std::optional<std::string> load() const;

  // Saves state() where the last time is long enough ago and nobody else is at it: `every`, and a hundred
  // times what saving took, so that no state is so large that more than 1% of the time goes into it; 0:
  // always. Thread-safe; others go on meanwhile. After a kill at any point the file is the old or the new
  // one, whole. Throws IoError.
  void offer(const std::function<std::string()>& state);

  // When it is not needed any more.
  void remove();

 private:
  using Clock = std::chrono::steady_clock;

  void write(const std::string& bytes) const;

  const std::filesystem::path file_;
  const std::filesystem::path aside_;  // of one name, so that no kill leaves more than this behind
  const Seconds every_;
  std::mutex mutex_;
  Clock::time_point last_ = Clock::now();
  Seconds pause_ = every_;
};

// A state as a file of any size. Throws InputError or IoError.
std::string read_state_file(const std::filesystem::path& file);

}  // namespace qcal
