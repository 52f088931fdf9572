#include <algorithm>

#include "bench/answers.h"
#include "bench/benches.h"
#include "bench/timing.h"

namespace qcal::bench {
namespace {

using ShapeOf = std::vector<std::int64_t> (*)(std::int64_t elements);

struct Kernel {
  std::string name;
  CollectSpec spec;
  ShapeOf shape;
};

std::vector<std::int64_t> flat(std::int64_t elements) {
  return {elements};
}
std::vector<std::int64_t> images(std::int64_t elements) {
  return {8, 64, elements / 8 / 64};
}
std::vector<std::int64_t> rows(std::int64_t elements) {
  return {elements / 64, 64};
}

CollectSpec histogram(Binning binning, std::optional<int> axis = {}) {
  CollectSpec spec;
  spec.binning = binning;
  spec.channel_axis = axis;
  return spec;
}

CollectSpec moments(std::optional<int> axis = {}) {
  CollectSpec spec;
  spec.moments = true;
  spec.channel_axis = axis;
  return spec;
}

// The round mode does not show: see CandidateError.
CollectSpec squared_error(CandidateRule rule, std::optional<int> axis = {}) {
  CollectSpec spec;
  spec.channel_axis = axis;
  spec.candidates = {{rule, 8, integer_range(8, true, false), true, Rounding::half_even}};
  return spec;
}

// What a calibration asks for.
CollectSpec cheapest(CandidateRule rule) {
  CollectSpec spec = squared_error(rule);
  spec.only_cheapest = true;
  return spec;
}

std::vector<Kernel> kernels() {
  return {{"statistics", histogram(Binning::none), flat},
          {"statistics_axis1", histogram(Binning::none, 1), images},
          {"statistics_last_axis", histogram(Binning::none, -1), rows},
          {"moments", moments(), flat},
          {"moments_axis1", moments(1), images},
          {"histogram_linear_magnitude", histogram(Binning::linear_magnitude), flat},
          {"histogram_linear_value", histogram(Binning::linear_value), flat},
          {"histogram_dyadic_magnitude", histogram(Binning::dyadic_magnitude), flat},
          {"histogram_dyadic_value", histogram(Binning::dyadic_value), flat},
          {"histogram_dyadic_magnitude_axis1", histogram(Binning::dyadic_magnitude, 1), images},
          {"squared_error_halving", squared_error(CandidateRule::halving), flat},
          {"squared_error_halving_axis1", squared_error(CandidateRule::halving, 1), images},
          {"squared_error_power_of_two", squared_error(CandidateRule::power_of_two), flat},
          {"cheapest_halving", cheapest(CandidateRule::halving), flat},
          {"cheapest_power_of_two", cheapest(CandidateRule::power_of_two), flat}};
}

Summary collected(const Place& place, const CollectSpec& spec, const TensorView& host) {
  const PlacedTensor tensor = place.put(host);
  const auto collector = place.backend().make_collector(spec);
  collector->collect(tensor.view, {});
  return collector->take();
}

void run(benchmark::State& state, const BenchOptions& options, const Place& place, const Kernel& kernel,
         const Data& data) {
  const TensorView part = data.view(kernel.shape(std::min(checked_elements, data.spec().elements)));
  const std::string wrong = difference_from_naive(part, kernel.spec, collected(place, kernel.spec, part));
  if (!wrong.empty()) return state.SkipWithError(wrong.c_str());

  const PlacedTensor tensor = place.put(data.view(kernel.shape(data.spec().elements)));
  const auto collector = place.backend().make_collector(kernel.spec);
  time_moving(state, options, place, data.bytes(),
              {[&](Stream stream) { collector->collect(tensor.view, stream); },
               [&] { benchmark::DoNotOptimize(collector->take()); }});
}

}  // namespace

std::vector<DataSpec> data_specs(bool smoke) {
  constexpr std::int64_t Ki = 1024;
  constexpr std::int64_t Mi = 1024 * Ki;
  using Sizes = std::vector<std::int64_t>;
  std::vector<DataSpec> specs;
  for (const Distribution distribution : all_distributions) {
    for (const std::int64_t size : smoke ? Sizes{4 * Ki} : Sizes{4 * Ki, 64 * Ki, Mi, 16 * Mi, 64 * Mi}) {
      specs.push_back({distribution, DType::f32, size});
    }
  }
  for (const DType dtype : {DType::f16, DType::bf16, DType::f64}) {
    for (const std::int64_t size : smoke ? Sizes{4 * Ki} : Sizes{4 * Ki, Mi, 64 * Mi}) {
      specs.push_back({Distribution::normal, dtype, size});
    }
  }
  return specs;
}

void register_collectors(const BenchOptions& options, const std::shared_ptr<Place>& place) {
  for (const Kernel& kernel : kernels()) {
    for (const DataSpec& data : data_specs(options.smoke)) {
      register_bench(options, bench_name(*place, kernel.name, data), [=](benchmark::State& state) {
        run(state, options, *place, kernel, *options.data->get(data));
      });
    }
  }
}

}  // namespace qcal::bench
