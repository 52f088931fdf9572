// What quant_bench times. Each function registers its benchmarks under names
// "place/kernel/dtype/distribution/elements".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "bench/data.h"
#include "bench/place.h"
#include "kernels/rounding.h"

namespace qcal::bench {

struct BenchOptions {
  bool smoke = false;  // every kernel once, on small data: for its answers, not its speed
  std::map<std::string, double> bandwidth;  // of each place, bytes a second, measured in this run
  std::shared_ptr<DataCache> data = std::make_shared<DataCache>();
};

// The data that a kernel is timed on: float32 in every distribution and size, the other dtypes in some.
std::vector<DataSpec> data_specs(bool smoke);

// Naive code takes long: the answers on large data are checked on as many elements of their beginning.
inline constexpr std::int64_t checked_elements = 1 << 16;

struct RoundingName {
  const char* name;
  Rounding rounding;
};
inline constexpr RoundingName all_roundings[] = {{"half_even", Rounding::half_even},
                                                 {"half_up", Rounding::half_up},
                                                 {"half_down", Rounding::half_down},
                                                 {"std_round", Rounding::std_round}};

// Statistics, moments, histograms and squared errors, per tensor and per channel, through the back end's
// collector. Histograms and squared errors include the pass that finds the range.
void register_collectors(const BenchOptions& options, const std::shared_ptr<Place>& place);
// The CPU's. `place` is the CPU.
void register_fake_quantize(const BenchOptions& options, const std::shared_ptr<Place>& place);
// Scale searches on one histogram of 2048 bins. `place` is the CPU.
void register_searches(const BenchOptions& options, const std::shared_ptr<Place>& place);

}  // namespace qcal::bench
