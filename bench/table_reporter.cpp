#include "bench/table_reporter.h"

#include <fmt/format.h>

#include <optional>
#include <sstream>
#include <string>

namespace qcal::bench {
namespace {

constexpr const char* layout = "{:<16}{:<34}{:<10}{:<12}{:>10}{:>12}{:>9}{:>8}\n";

using Run = benchmark::BenchmarkReporter::Run;

// Google Benchmark 1.8 renamed the member.
template <class AnyRun>
bool failed(const AnyRun& run) {
  if constexpr (requires { run.error_occurred; }) {
    return run.error_occurred;
  } else {
    return static_cast<bool>(run.skipped);
  }
}
template <class AnyRun>
std::string message(const AnyRun& run) {
  if constexpr (requires { run.error_message; }) {
    return run.error_message;
  } else {
    return run.skip_message;
  }
}

std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts;
  std::istringstream stream(name);
  for (std::string part; std::getline(stream, part, '/');) parts.push_back(part);
  return parts;
}

std::string time_text(double seconds) {
  if (seconds < 1e-6) return fmt::format("{:.0f} ns", seconds * 1e9);
  if (seconds < 1e-3) return fmt::format("{:.1f} us", seconds * 1e6);
  if (seconds < 1.0) return fmt::format("{:.2f} ms", seconds * 1e3);
  return fmt::format("{:.2f} s", seconds);
}

std::string counter_text(const Run& run, const char* counter, const char* format, double unit) {
  const auto found = run.counters.find(counter);
  return found == run.counters.end() ? "" : fmt::format(fmt::runtime(format), found->second.value / unit);
}

}  // namespace

bool TableReporter::ReportContext(const Context&) {
  fmt::print(layout, "place", "kernel", "dtype", "data", "elements", "time", "GB/s", "share");
  return true;
}

void TableReporter::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    const std::vector<std::string> parts = parts_of(run.run_name.function_name);
    if (failed(run)) {
      ++failures_;
      fmt::print("{}: WRONG: {}\n", run.run_name.function_name, message(run));
      continue;
    }
    if (run.run_type == Run::RT_Aggregate && run.aggregate_name != "median") continue;
    const double seconds = run.real_accumulated_time / static_cast<double>(run.iterations);
    fmt::print(layout, parts.at(0), parts.at(1), parts.at(2), parts.at(3), parts.at(4), time_text(seconds),
               counter_text(run, "bytes_per_second", "{:.2f}", 1e9),
               counter_text(run, "share_of_bandwidth", "{:.2f}", 1.0));
  }
  std::fflush(stdout);
}

}  // namespace qcal::bench
