#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <cstdint>
#include <vector>

#include "bench/clock.h"
#include "bench/place.h"

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

class CpuPlace final : public Place {
 public:
  explicit CpuPlace(int threads)
      : threads_(threads),
        allow_(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads)),
        arena_(threads),
        backend_(Backend::cpu()) {}

  std::string name() const override { return "cpu"; }
  void open() override {}
  const Backend& backend() const override { return *backend_; }
  std::string bandwidth_is() const override { return fmt::format("{} thread(s) read from memory", threads_); }
  PlacedTensor put(const TensorView& host) const override { return {host, nullptr}; }

  // Over 256 MiB, which no cache holds.
  double measured_bandwidth() const override {
    constexpr std::size_t words = (std::size_t{256} << 20) / sizeof(std::uint64_t);
    constexpr std::size_t piece = std::size_t{1} << 17;  // 1 MiB
    const std::vector<std::uint64_t> data(words, 1);
    const Work read_all{[&](Stream) {
      tbb::parallel_for(std::size_t{0}, words / piece, [&](std::size_t i) {
        benchmark::DoNotOptimize(sum(data.data() + i * piece, piece));
      });
    }};
    return static_cast<double>(words * sizeof(std::uint64_t)) / fastest([&] { return seconds_of(read_all); });
  }

  double seconds_of(const Work& work) const override {
    return arena_.execute([&] {
      return wall_seconds([&] {
        work.enqueue({});
        work.finish();
      });
    });
  }

 private:
  int threads_;
  tbb::global_control allow_;
  mutable tbb::task_arena arena_;
  std::shared_ptr<const Backend> backend_;
};

}  // namespace

std::unique_ptr<Place> cpu_place(int threads) {
  return std::make_unique<CpuPlace>(threads);
}

}  // namespace qcal::bench
