#include <cmath>

#include "bench/benches.h"
#include "bench/timing.h"
#include "engine/search/preset.h"
#include "engine/search/search.h"
#include "tests/reference/reference_entropy.h"
#include "tests/reference/reference_mse.h"
#include "tests/reference/winner.h"

namespace qcal::bench {
namespace {

struct Case {
  std::string name;
  Method method;
  bool symmetric;
  SearchStart::Kind start;
};

SearchSettings settings_of(const Case& c) {
  SearchSettings settings;
  settings.method = c.method;
  settings.symmetric = c.symmetric;
  settings.range = integer_range(8, true, false);
  settings.search_start.kind = c.start;
  return settings;
}

// The cost that naive code gives the exhaustive symmetric search's best end, and the one that was found.
bool is_cheapest(const Histogram& histogram, const SearchSettings& settings, double amax) {
  const std::vector<double> counts = testing::without_zero_spike(histogram.counts, 0);
  const auto cost_of = [&](int end) {
    if (settings.method == Method::mse) {
      const double scale = histogram.edge(end) / static_cast<double>(settings.range.qmax);
      return testing::reference_squared_error(histogram, scale, 0, settings.range);
    }
    return testing::reference_entropy(counts, 128, 0, static_cast<std::size_t>(end));
  };
  testing::Winner winner;
  double found = NAN;
  for (int end = 128; end <= histogram.bins(); ++end) {
    const double cost = cost_of(end);
    winner.offer(end, cost);
    if (histogram.edge(end) == amax) found = cost;
  }
  constexpr double rounding = 1e-9;  // of 2048 bins in double, generously
  return winner.end == 0 || found <= winner.cost * (1.0 + rounding) + rounding * rounding;
}

void run(benchmark::State& state, const BenchOptions& options, const Place& place, const Case& c,
         const Data& data) {
  const SearchSettings settings = settings_of(c);
  CollectSpec spec;
  spec.binning = binning_for(settings, standard_preset, false);
  const auto collector = place.backend().make_collector(spec);
  collector->collect(data.view({data.spec().elements}), {});
  const Summary summary = collector->take();
  const ChannelSummary& channel = summary.channels.front();
  const ScaleChoice choice = search_scale(channel, 0, settings, standard_preset);
  const bool checkable = c.symmetric && c.start == SearchStart::Kind::levels;
  if (checkable && !is_cheapest(channel.histogram, settings, choice.amax)) {
    return state.SkipWithError("not the cheapest threshold");
  }
  const Work search{
      [&](Stream) { benchmark::DoNotOptimize(search_scale(channel, 0, settings, standard_preset)); }};
  time_moving(state, options, place, 0, search);
}

}  // namespace

void register_searches(const BenchOptions& options, const std::shared_ptr<Place>& place) {
  using Kind = SearchStart::Kind;
  for (const Case& c : {Case{"search_percentile", Method::percentile, true, Kind::preset},
                        Case{"search_entropy", Method::entropy, true, Kind::preset},
                        Case{"search_entropy_exhaustive", Method::entropy, true, Kind::levels},
                        Case{"search_entropy_asymmetric", Method::entropy, false, Kind::preset},
                        Case{"search_mse_exhaustive", Method::mse, true, Kind::levels},
                        Case{"search_mse_asymmetric", Method::mse, false, Kind::preset}}) {
    for (const Distribution distribution : all_distributions) {
      const DataSpec data{distribution, DType::f32, options.smoke ? 4096 : 1 << 20};
      register_bench(options, bench_name(*place, c.name, data), [=](benchmark::State& state) {
        run(state, options, *place, c, *options.data->get(data));
      });
    }
  }
}

}  // namespace qcal::bench
