// Each CUDA kernel alone.
#include <algorithm>

#include "bench/cuda_place.h"
#include "bench/cuda_places.h"
#include "bench/on_device.h"
#include "bench/timing.h"
#include "kernels/batch_statistic_cuda.h"
#include "kernels/channel_layout.h"
#include "kernels/collector.h"
#include "kernels/fake_quantize.h"
#include "kernels/fake_quantize_cuda.h"
#include "kernels/gather_rows_cuda.h"
#include "kernels/histogram_cuda.h"
#include "kernels/moments_cuda.h"
#include "kernels/patch_sums_cuda.h"
#include "kernels/raw_histogram_cuda.h"
#include "kernels/scale_error_cuda.h"
#include "kernels/statistics_cuda.h"

namespace qcal::bench {
namespace {

// What a kernel reads: a flat tensor.
struct Input {
  Input(const CudaPlace& place, const TensorView& host_view)
      : host(host_view),
        tensor(place.put(host)),
        rows(direct_rows(tensor.view, channel_layout(tensor.view, {})).value_or(DeviceRows{})),
        context(place.context()) {}

  TensorView host;
  PlacedTensor tensor;
  DeviceRows rows;
  KernelContext context;
};
using SharedInput = std::shared_ptr<const Input>;

// A kernel with its memory. right() after exactly one launch().
struct Prepared {
  std::function<void()> launch;
  std::function<bool()> right;
  double bytes_a_byte = 1.0;  // moved, of each byte of the input
};

// What the CPU's collector, whose answers have benchmarks of their own, says of the same tensor.
ChannelSummary expected(const SharedInput& in, CollectSpec spec) {
  const auto collector = Backend::cpu()->make_collector(spec);
  collector->collect(in->host, {});
  return collector->take().channels.front();
}

std::span<const float> floats(const SharedInput& in) {
  return {static_cast<const float*>(in->host.data), static_cast<std::size_t>(in->host.size())};
}

template <class T>
std::shared_ptr<const OnDevice<T>> on_device(std::int64_t count) {
  return std::make_shared<const OnDevice<T>>(count);
}

std::shared_ptr<const OnDevice<DeviceRange>> ranges_of(const SharedInput& in) {
  const auto ranges = on_device<DeviceRange>(1);
  gather_ranges(in->context, in->rows, ranges->data());
  return ranges;
}

std::uint64_t elements_of(const SharedInput& in) {
  return static_cast<std::uint64_t>(in->host.size());
}

Prepared range(const SharedInput& in) {
  const auto ranges = on_device<DeviceRange>(1);
  return {[=] { gather_ranges(in->context, in->rows, ranges->data()); },
          [=] { return value_range(ranges->read().front(), elements_of(in)) == expected(in, {}).range; }};
}

template <Binning binning>
Prepared count(const SharedInput& in) {
  constexpr bool linear = binning == Binning::linear_magnitude;
  const auto plan = on_device<BinPlan>(1);
  const auto counts = on_device<std::uint64_t>(histogram_bins);
  plan_bins(in->context, ranges_of(in)->data(), 1, elements_of(in),
            linear ? BinRule::linear : BinRule::dyadic, linear ? Counted::magnitude : Counted::value,
            plan->data());
  return {[=] { count_bins(in->context, in->rows, plan->data(), histogram_bins, counts->data()); },
          [=] {
            CollectSpec spec;
            spec.binning = binning;
            std::vector<std::uint64_t> found = counts->read();
            const std::vector<std::uint64_t> right = expected(in, spec).histogram.counts;
            found.resize(right.size());
            return found == right;
          }};
}

Prepared count_wide(const SharedInput& in) {
  constexpr int bins = 4 * histogram_bins;
  BinPlan plan;
  plan.grid = linear_bins(0.0f, 4.0f, bins);
  plan.bins = bins;
  const auto plans = std::make_shared<const OnDevice<BinPlan>>(std::vector{plan});
  const auto counts = on_device<std::uint64_t>(bins);
  return {[=] { count_bins(in->context, in->rows, plans->data(), bins, counts->data()); },
          [=] {
            std::vector<std::uint64_t> right(bins);
            count_linear(floats(in), plan.grid, plan.counted, right);
            return counts->read() == right;
          }};
}

Prepared count_patterns(const SharedInput& in) {
  const auto counts = on_device<std::uint64_t>(raw_patterns);
  return {[=] { qcal::count_patterns(in->context, in->rows, counts->data()); },
          [=] {
            std::vector<std::uint64_t> right(raw_patterns);
            const auto* patterns = static_cast<const std::uint16_t*>(in->host.data);
            for (std::int64_t i = 0; i < in->host.size(); ++i) ++right[patterns[i]];
            return counts->read() == right;
          }};
}

// Memory of the ordered sums of one channel in one piece.
struct OrderedSums {
  OrderedSums(const Input& in, int terms)
      : open(terms * ordered_sum_lanes),
        next_open(terms * ordered_sum_lanes),
        trees(terms),
        chunk_sums(terms * chunks_of(in.rows, {0, in.host.size()})) {}

  // Ready for another first piece.
  OrderedSumState cleared(cudaStream_t stream) const {
    trees.clear(stream);
    return {open.data(), next_open.data(), trees.data(), chunk_sums.data()};
  }

  OnDevice<float> open;
  OnDevice<float> next_open;
  OnDevice<OrderedTree> trees;
  OnDevice<double> chunk_sums;
};

Prepared moments(const SharedInput& in) {
  const auto sums = std::make_shared<const OrderedSums>(*in, moment_terms);
  const auto ranges = on_device<DeviceRange>(1);
  const auto totals = on_device<Moments>(1);
  return {[=] {
            gather_moments(in->context, in->rows, {0, in->host.size()}, sums->cleared(in->context.stream),
                           ranges->data(), totals->data());
          },
          [=] {
            CollectSpec spec;
            spec.moments = true;
            return totals->read().front() == expected(in, spec).moments;
          }};
}

template <CandidateRule rule>
Prepared chunk_errors(const SharedInput& in) {
  const CandidateSpec candidates{rule, 8, integer_range(8, true, false), true, Rounding::half_even};
  const auto specs = on_device<ErrorSpec>(1);
  const auto sums = std::make_shared<const OrderedSums>(*in, diffs_candidates);
  const auto totals = on_device<CandidateErrors>(1);
  plan_errors(in->context, candidates, ranges_of(in)->data(), 1, elements_of(in), specs->data());
  return {[=] {
            add_errors(in->context, in->rows, {0, in->host.size()}, specs->data(),
                       sums->cleared(in->context.stream), totals->data());
          },
          [=] {
            CollectSpec spec;
            spec.candidates = {candidates};
            const ChannelSummary right = expected(in, spec);
            return weighted_errors(totals->read().front(), error_spec(candidates, right.range)) ==
                   right.errors.front();
          }};
}

// Float64, and channels on the last axis, become rows of float32.
Prepared gather(const SharedInput& in, const TensorView& view, std::optional<int> axis) {
  const auto out = on_device<float>(view.size());
  const ChannelLayout layout = channel_layout(view, axis);
  return {[=] { gather_rows(in->context, view, layout, out->data()); },
          [=] {
            const std::vector<float> found = out->read();
            for (std::int64_t i = 0; i < view.size(); ++i) {
              const std::int64_t from = i / layout.elements + i % layout.elements * layout.channels;
              const float right = view.dtype == DType::f64
                                      ? static_cast<float>(static_cast<const double*>(in->host.data)[from])
                                      : floats(in)[static_cast<std::size_t>(from)];
              if (found[static_cast<std::size_t>(i)] != right) return false;
            }
            return true;
          },
          1.0 + static_cast<double>(sizeof(float)) / static_cast<double>(size_of(view.dtype))};
}

Prepared gather_float64(const SharedInput& in) {
  return gather(in, in->tensor.view, {});
}

Prepared gather_last_axis(const SharedInput& in) {
  TensorView view = in->tensor.view;
  view.shape = {view.size() / 64, 64};
  return gather(in, view, -1);
}

template <Rounding rounding>
Prepared fake_quantized(const SharedInput& in) {
  const ElementQuantizer quantizer =
      element_quantizer(3.0 / 127.0, 0, integer_range(8, true, false), rounding);
  const auto quantizers = std::make_shared<const OnDevice<ElementQuantizer>>(std::vector{quantizer});
  const auto out = on_device<float>(in->host.size());
  return {[=] {
            fake_quantize(in->context, in->rows, quantizers->data(), rounding, quantizer.arithmetic,
                          out->data());
          },
          [=] {
            std::vector<float> right(elements_of(in));
            fake_quantize(floats(in), quantizer, right);
            return out->read() == right;
          },
          2.0};
}

template <Statistic statistic>
Prepared statistic_of_batches(const SharedInput& in) {
  const auto count = in->host.size();
  const auto* values = static_cast<const double*>(in->tensor.view.data);
  const auto scratch = on_device<std::byte>(static_cast<std::int64_t>(batch_statistic_bytes(count)));
  const auto result = on_device<double>(1);
  return {[=] {
            batch_statistic(in->context, values, count, statistic, ModalRule::octaves, scratch->data(),
                            result->data());
          },
          [=] {
            const std::span on_host(static_cast<const double*>(in->host.data), elements_of(in));
            return result->read().front() == batch_statistic(on_host, statistic, ModalRule::octaves);
          }};
}

// Values as planes of 64 x 64, of 64 channels where there are that many, under a window of 3 x 3, padded by
// one.
PatchWindow planes(std::int64_t elements) {
  const std::vector<CoordinateRange> ranges = {{0, 1, 63}, {0, 1, 64}, {1, 1, 63}};
  PatchWindow window;
  window.channels = std::min<std::int64_t>(64, elements / (64 * 64));
  window.samples = elements / (64 * 64) / window.channels;
  window.rows = window.row_length = 64;
  window.positions = 64 * 64;
  for (const CoordinateRange& rows : ranges) window.outer.push_back({rows});
  window.inner = ranges;
  return window;
}

// Values as samples of 4 rows of 1024 features.
PatchWindow features(std::int64_t elements) {
  PatchWindow window;
  window.row_length = 1024;
  window.rows = window.positions = 4;
  window.samples = elements / (window.rows * window.row_length);
  window.outer = {{{0, 1, window.rows}}};
  return window;
}

template <PatchWindow (*window_over)(std::int64_t)>
Prepared patches(const SharedInput& in) {
  const PatchWindow window = window_over(in->host.size());
  const auto lists = std::make_shared<const OnDevice<std::int64_t>>(packed_lists(window));
  const auto sums = on_device<double>(3 * window.sums());
  const DevicePatchWindow there = device_window(window, lists->data());
  const std::int64_t rows = window.samples * window.sample_rows();
  const auto work = on_device<std::byte>(static_cast<std::int64_t>(patch_work_bytes(there, rows)));
  return {[=] {
            double* const state = sums->data();
            add_rows(in->context, there, static_cast<const float*>(in->rows.data), {0, rows, 0},
                     {state, state + window.sums(), state + 2 * window.sums()}, work->data());
            static_cast<void>(lists);  // which `there` reads
          },
          [=] {
            const auto expected_sums = Backend::cpu()->make_patch_sums();
            expected_sums->collect(WholeTensor(in->host), {window}, {});
            const std::vector<double> right = expected_sums->take(0).fitted.sums;
            const std::vector<double> found = sums->read();
            return std::ranges::equal(right, std::span(found).subspan(right.size(), right.size()));
          }};
}

struct Kernel {
  const char* name;
  Prepared (*prepare)(const SharedInput&);
  std::vector<DType> dtypes;
  std::int64_t most_elements = std::int64_t{1} << 40;
};

std::vector<Kernel> kernels() {
  const std::vector<DType> all = {DType::f32, DType::f16, DType::bf16};
  const std::vector<DType> f32 = {DType::f32};
  const std::vector<DType> f64 = {DType::f64};
  constexpr std::int64_t most_batches = 1 << 20;
  return {{"range_kernel", range, all},
          {"moments_kernel", moments, all},
          {"count_kernel_linear", count<Binning::linear_magnitude>, all},
          {"count_kernel_dyadic", count<Binning::dyadic_value>, all},
          {"count_wide_kernel", count_wide, f32},
          {"pattern_kernel", count_patterns, {DType::f16, DType::bf16}},
          {"chunk_errors_kernel_halving", chunk_errors<CandidateRule::halving>, all},
          {"chunk_errors_kernel_power_of_two", chunk_errors<CandidateRule::power_of_two>, all},
          {"gather_kernel", gather_float64, f64},
          {"gather_kernel_last_axis", gather_last_axis, f32},
          {"patch_sums_of_planes", patches<planes>, f32},
          {"patch_sums_of_features", patches<features>, f32},
          {"fake_quantize_half_even", fake_quantized<Rounding::half_even>, f32},
          {"fake_quantize_half_up", fake_quantized<Rounding::half_up>, f32},
          {"fake_quantize_half_down", fake_quantized<Rounding::half_down>, f32},
          {"fake_quantize_std_round", fake_quantized<Rounding::std_round>, f32},
          {"batch_statistic_modal", statistic_of_batches<Statistic::modal>, f64, most_batches},
          {"batch_statistic_max", statistic_of_batches<Statistic::max>, f64, most_batches},
          {"batch_statistic_mean", statistic_of_batches<Statistic::mean>, f64, most_batches},
          {"batch_statistic_median", statistic_of_batches<Statistic::median>, f64, most_batches}};
}

Prepared prepared(const Kernel& kernel, const CudaPlace& place, const Data& data, std::int64_t elements) {
  return kernel.prepare(std::make_shared<const Input>(place, data.view({elements})));
}

void run(benchmark::State& state, const BenchOptions& options, const CudaPlace& place, const Kernel& kernel,
         const Data& data) {
  const Prepared part = prepared(kernel, place, data, std::min(checked_elements, data.spec().elements));
  part.launch();
  if (!part.right()) return state.SkipWithError("another answer than the CPU's");
  const Prepared whole = prepared(kernel, place, data, data.spec().elements);
  const double bytes = whole.bytes_a_byte * static_cast<double>(data.bytes());
  time_moving(state, options, place, static_cast<std::int64_t>(bytes), {[&](Stream) { whole.launch(); }});
}

}  // namespace

void register_cuda_kernels(const BenchOptions& options, const std::shared_ptr<Place>& place) {
  const auto device = std::dynamic_pointer_cast<CudaPlace>(place);
  for (const Kernel& kernel : kernels()) {
    for (const DataSpec& data : data_specs(options.smoke)) {
      if (std::ranges::find(kernel.dtypes, data.dtype) == kernel.dtypes.end()) continue;
      if (data.elements > kernel.most_elements) continue;
      register_bench(options, bench_name(*place, kernel.name, data), [=](benchmark::State& state) {
        run(state, options, *device, kernel, *options.data->get(data));
      });
    }
  }
}

}  // namespace qcal::bench
