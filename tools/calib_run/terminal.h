// What goes to the terminal besides results: warnings and progress.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "engine/pipeline.h"

namespace qcal::tools {

// One line each on stderr, led by "warning: ".
void print_warnings(const std::vector<std::string>& warnings);

// A bar that redraws itself where stderr is a terminal; a line every few seconds elsewhere. Silent where
// `shown` is false, and for work that is over at once.
class ProgressBar {
 public:
  explicit ProgressBar(bool shown);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(const Progress& progress);

 private:
  using Clock = std::chrono::steady_clock;

  bool shown_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_;
  Clock::time_point last_;
};

}  // namespace qcal::tools
