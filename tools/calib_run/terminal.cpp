#include "tools/calib_run/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace qcal::tools {
namespace {

std::string bytes_text(double bytes) {
  constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 1000.0 && unit + 1 < std::size(units)) {
    bytes /= 1000.0;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, units[unit]);
}

std::string duration_text(double seconds) {
  const long whole = std::lround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  return fmt::format("{}:{:02} min", whole / 60, whole % 60);
}

}  // namespace

void print_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    const bool marked = warning.find("warning: ") != std::string::npos;
    fmt::print(stderr, "{}{}\n", marked ? "" : "warning: ", warning);
  }
}

ProgressBar::ProgressBar(bool shown)
    : shown_(shown), terminal_(isatty(STDERR_FILENO) == 1), start_(Clock::now()), last_(start_) {}

ProgressBar::~ProgressBar() {
  if (drawn_ && terminal_) fmt::print(stderr, "\r\x1b[K");
}

void ProgressBar::update(const Progress& progress) {
  using namespace std::chrono_literals;
  const Clock::time_point now = Clock::now();
  const auto interval = terminal_ ? 100ms : 5000ms;
  if (!shown_ || now - last_ < interval) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(progress.bytes_done) / seconds;
  const double share = progress.bytes > 0
                           ? static_cast<double>(progress.bytes_done) / static_cast<double>(progress.bytes)
                           : 1.0;
  const double left = rate > 0.0 ? static_cast<double>(progress.bytes - progress.bytes_done) / rate : 0.0;
  const std::string figures =
      fmt::format("{:3.0f}%  {}/{} tensors  {} of {}  {}/s  {} left", 100.0 * share, progress.tensors_done,
                  progress.tensors, bytes_text(static_cast<double>(progress.bytes_done)),
                  bytes_text(static_cast<double>(progress.bytes)), bytes_text(rate), duration_text(left));
  if (!terminal_) {
    fmt::print(stderr, "{}\n", figures);
    return;
  }
  constexpr int width = 24;
  const int filled = std::clamp(static_cast<int>(share * width), 0, width);
  fmt::print(stderr, "\r\x1b[K[{}{}] {}", std::string(static_cast<std::size_t>(filled), '#'),
             std::string(static_cast<std::size_t>(width - filled), '.'), figures);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace qcal::tools
