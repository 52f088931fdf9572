// What quant_bench times. Each function registers its benchmarks under names
// "kernel/dtype/distribution/elements".
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/data.h"
#include "kernels/backend.h"

namespace qcal::bench {

struct BenchOptions {
  std::shared_ptr<const Backend> backend;
  int threads = 1;
  double bandwidth = 0.0;  // bytes a second, measured in this run
  bool smoke = false;      // every kernel once, on small data: for its answers, not its speed
};

// The data that a kernel is timed on: float32 in every distribution and size, the other dtypes in some.
std::vector<DataSpec> data_specs(bool smoke);

// Statistics, histograms and squared errors, per tensor and per channel, through the back end's collector.
// All but statistics include the pass that finds the range.
void register_collectors(const BenchOptions& options, const std::shared_ptr<DataCache>& cache);
void register_fake_quantize(const BenchOptions& options, const std::shared_ptr<DataCache>& cache);
// Scale searches on one histogram of 2048 bins.
void register_searches(const BenchOptions& options, const std::shared_ptr<DataCache>& cache);

}  // namespace qcal::bench
