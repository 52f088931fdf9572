// Benchmark results as one table for people.
#pragma once

#include <benchmark/benchmark.h>

namespace qcal::bench {

// A line a benchmark, as it ends: place, kernel, dtype, data, elements, time, GB/s, share of the bandwidth.
class TableReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  // Benchmarks whose answers were wrong.
  int failures() const { return failures_; }

 private:
  int failures_ = 0;
};

}  // namespace qcal::bench
