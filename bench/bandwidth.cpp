#include "bench/bandwidth.h"

#include <benchmark/benchmark.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace qcal::bench {
namespace {

// Independent sums, so that additions do not wait for each other.
std::uint64_t sum(const std::uint64_t* words, std::size_t count) {
  std::uint64_t sums[16] = {};
  for (std::size_t i = 0; i + 16 <= count; i += 16) {
    for (std::size_t j = 0; j < 16; ++j) sums[j] += words[i + j];
  }
  std::uint64_t total = 0;
  for (const std::uint64_t part : sums) total += part;
  return total;
}

}  // namespace

double read_bandwidth(int threads) {
  constexpr std::size_t words = (std::size_t{256} << 20) / sizeof(std::uint64_t);
  constexpr std::size_t piece = std::size_t{1} << 17;  // 1 MiB
  constexpr int passes = 7;
  const std::vector<std::uint64_t> data(words, 1);
  tbb::task_arena arena(threads);
  double fastest = 1e300;
  for (int pass = 0; pass < passes; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    arena.execute([&] {
      tbb::parallel_for(std::size_t{0}, words / piece, [&](std::size_t i) {
        benchmark::DoNotOptimize(sum(data.data() + i * piece, piece));
      });
    });
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    fastest = std::min(fastest, taken.count());
  }
  return static_cast<double>(words * sizeof(std::uint64_t)) / fastest;
}

}  // namespace qcal::bench
