#include <bit>

#include "bench/benches.h"
#include "bench/timing.h"
#include "kernels/fake_quantize.h"
#include "tests/reference/reference_quantize.h"

namespace qcal::bench {
namespace {

constexpr float scale = 3.0f / 127.0f;
constexpr IntegerRange range = integer_range(8, true, false);

bool same_as_naive(std::span<const float> values, std::span<const float> found, Rounding rounding) {
  const testing::ReferenceQuantizer naive{scale, 0, range, rounding};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (found[i] != testing::reference_fake_quantize(values[i], naive)) return false;
  }
  return true;
}

void run(benchmark::State& state, const BenchOptions& options, const Place& place, Rounding rounding,
         const Data& data) {
  const auto elements = static_cast<std::size_t>(data.spec().elements);
  const std::span values(static_cast<const float*>(data.view({}).data), elements);
  const ElementQuantizer quantizer = element_quantizer(scale, 0, range, rounding);
  std::vector<float> out(elements);
  fake_quantize(values, quantizer, out);
  const std::size_t count = std::min(static_cast<std::size_t>(checked_elements), elements);
  if (!same_as_naive(values.first(count), std::span(out).first(count), rounding)) {
    return state.SkipWithError("other values than naively");
  }
  const Work work{[&](Stream) {
    fake_quantize(values, quantizer, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }};
  time_moving(state, options, place, 2 * data.bytes(), work);
}

}  // namespace

void register_fake_quantize(const BenchOptions& options, const std::shared_ptr<Place>& place) {
  for (const RoundingName& mode : all_roundings) {
    for (const DataSpec& data : data_specs(options.smoke)) {
      if (data.dtype != DType::f32) continue;
      register_bench(options, bench_name(*place, std::string("fake_quantize_") + mode.name, data),
                     [=](benchmark::State& state) {
                       run(state, options, *place, mode.rounding, *options.data->get(data));
                     });
    }
  }
}

}  // namespace qcal::bench
