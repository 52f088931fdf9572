// What every benchmark does around the code it times.
#pragma once

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <string>

#include "bench/benches.h"

namespace qcal::bench {

inline std::string bench_name(const std::string& kernel, const DataSpec& data) {
  return fmt::format("{}/{}/{}/{}", kernel, name_of(data.dtype), name_of(data.distribution), data.elements);
}

// Registers body(state) under `name`: once where smoke is asked for, else as often as Google Benchmark
// decides.
template <class Body>
void register_bench(const BenchOptions& options, const std::string& name, const Body& body) {
  auto* bench = benchmark::RegisterBenchmark(name.c_str(), body)->UseRealTime();
  if (options.smoke) bench->Iterations(1);
}

// Times work() on options.threads threads, as reading `bytes` each time.
template <class Work>
void time_reading(benchmark::State& state, const BenchOptions& options, std::size_t bytes, const Work& work) {
  const tbb::global_control allow(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  arena.execute([&] {
    for (auto _ : state) work();
  });
  const double read = static_cast<double>(state.iterations()) * static_cast<double>(bytes);
  state.SetBytesProcessed(static_cast<std::int64_t>(read));
  if (options.bandwidth > 0.0) {
    state.counters["share_of_bandwidth"] =
        benchmark::Counter(read / options.bandwidth, benchmark::Counter::kIsRate);
  }
}

}  // namespace qcal::bench
