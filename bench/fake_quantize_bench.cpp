#include <bit>

#include "bench/benches.h"
#include "bench/timing.h"
#include "kernels/fake_quantize.h"
#include "tests/reference/reference_quantize.h"

namespace qcal::bench {
namespace {

struct Case {
  std::string name;
  Rounding rounding;
};

constexpr float scale = 3.0f / 127.0f;
constexpr IntegerRange range = integer_range(8, true, false);

bool same_as_naive(std::span<const float> values, std::span<const float> found, Rounding rounding) {
  const testing::ReferenceQuantizer naive{scale, 0, range, rounding};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (found[i] != testing::reference_fake_quantize(values[i], naive)) return false;
  }
  return true;
}

void run(benchmark::State& state, const BenchOptions& options, Rounding rounding, const Data& data) {
  const auto elements = static_cast<std::size_t>(data.spec().elements);
  const std::span values(static_cast<const float*>(data.view({}).data), elements);
  const ElementQuantizer quantizer = element_quantizer(scale, 0, range, rounding);
  std::vector<float> out(elements);
  fake_quantize(values, quantizer, out);
  constexpr std::size_t checked = 1 << 16;
  const std::size_t count = std::min(checked, elements);
  if (!same_as_naive(values.first(count), std::span(out).first(count), rounding)) {
    return state.SkipWithError("other values than naively");
  }
  time_reading(state, options, data.bytes(), [&] {
    fake_quantize(values, quantizer, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  });
}

}  // namespace

void register_fake_quantize(const BenchOptions& options, const std::shared_ptr<DataCache>& cache) {
  for (const Case& c : {Case{"fake_quantize_half_even", Rounding::half_even},
                        Case{"fake_quantize_half_up", Rounding::half_up},
                        Case{"fake_quantize_half_down", Rounding::half_down},
                        Case{"fake_quantize_std_round", Rounding::std_round}}) {
    for (const DataSpec& data : data_specs(options.smoke)) {
      if (data.dtype != DType::f32) continue;
      register_bench(options, bench_name(c.name, data),
                     [=](benchmark::State& state) { run(state, options, c.rounding, *cache->get(data)); });
    }
  }
}

}  // namespace qcal::bench
