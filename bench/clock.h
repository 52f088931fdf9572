// Seconds that code takes.
#pragma once

#include <algorithm>
#include <chrono>

namespace qcal::bench {

template <class Code>
double wall_seconds(const Code& code) {
  const auto start = std::chrono::steady_clock::now();
  code();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The least of several calls to seconds(), the first of which may have to warm things up.
template <class Seconds>
double fastest(const Seconds& seconds) {
  constexpr int calls = 7;
  double least = seconds();
  for (int call = 1; call < calls; ++call) least = std::min(least, seconds());
  return least;
}

}  // namespace qcal::bench
