// What every benchmark does around the code it times.
#pragma once

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>

#include "bench/benches.h"

namespace qcal::bench {

inline std::string bench_name(const Place& place, const std::string& kernel, const DataSpec& data) {
  return fmt::format("{}/{}/{}/{}/{}", place.name(), kernel, name_of(data.dtype), name_of(data.distribution),
                     data.elements);
}

// Registers body(state) under `name`: once where smoke is asked for, else as often as Google Benchmark
// decides.
template <class Body>
void register_bench(const BenchOptions& options, const std::string& name, const Body& body) {
  auto* bench = benchmark::RegisterBenchmark(name.c_str(), body)->UseManualTime();
  if (options.smoke) bench->Iterations(1);
}

// Times the work as moving `bytes` to or from memory each time.
inline void time_moving(benchmark::State& state, const BenchOptions& options, const Place& place,
                        std::int64_t bytes, const Work& work) {
  for (auto _ : state) state.SetIterationTime(place.seconds_of(work));
  if (bytes == 0) return;
  const std::int64_t moved = state.iterations() * bytes;
  state.SetBytesProcessed(moved);
  const auto bandwidth = options.bandwidth.find(place.name());
  if (bandwidth == options.bandwidth.end()) return;
  state.counters["share_of_bandwidth"] =
      benchmark::Counter(static_cast<double>(moved) / bandwidth->second, benchmark::Counter::kIsRate);
}

}  // namespace qcal::bench
