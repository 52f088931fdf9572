// The CUDA collector gives the CPU collector's bits, however a batch reaches the device.
#include <gtest/gtest.h>

#include <string>

#include "kernels/backend.h"
#include "kernels/collector.h"
#include "kernels/cuda_backend.h"
#include "kernels/cuda_device.h"
#include "tests/reference/test_data.h"
#include "tests/support/device_tensor.h"
#include "tests/support/summaries.h"
#include "tests/support/test_backend.h"
#include "tests/support/typed_tensor.h"

namespace qcal::testing {
namespace {

using Extents = std::vector<std::int64_t>;

constexpr DType dtypes[] = {DType::f32, DType::f16, DType::bf16, DType::f64};

CandidateSpec candidates(CandidateRule rule, bool symmetric, Rounding rounding) {
  CandidateSpec spec;
  spec.rule = rule;
  spec.range = symmetric ? IntegerRange{-128, 127} : IntegerRange{0, 255};
  spec.symmetric = symmetric;
  spec.rounding = rounding;
  return spec;
}

// Every binning, and between them every rule of candidates and every rounding.
std::vector<CollectSpec> specs(std::optional<int> axis) {
  std::vector<CollectSpec> all(6);
  all[1].binning = Binning::linear_magnitude;
  all[1].candidates = {candidates(CandidateRule::halving, true, Rounding::half_even)};
  all[2].binning = Binning::linear_value;
  all[2].candidates = {candidates(CandidateRule::power_of_two, true, Rounding::half_up),
                       candidates(CandidateRule::halving, false, Rounding::half_up)};
  all[3].binning = Binning::dyadic_magnitude;
  all[3].candidates = {candidates(CandidateRule::power_of_two, false, Rounding::half_down)};
  all[4].binning = Binning::dyadic_value;
  all[4].candidates = {candidates(CandidateRule::vitis_fix_pos, true, Rounding::std_round)};
  all[5].binning = Binning::vitis;
  all[0].moments = true;
  all[3].moments = true;
  for (CollectSpec& spec : all) {
    spec.channel_axis = axis;
    spec.non_finite = NonFinite::ignore;
  }
  return all;
}

Summary collected(const Backend& backend, const CollectSpec& spec, const TensorView& view) {
  const auto collector = backend.make_collector(spec);
  collector->collect(view, {});
  return collector->take();
}

std::vector<float> with_faults(std::vector<float> values) {
  if (values.size() > 40) {
    values[3] = nan_value;
    values[values.size() / 2] = -infinity;
    values.back() = infinity;
  }
  return values;
}

struct Layout {
  Extents shape;
  std::optional<int> axis;
};

const Layout layouts[] = {
    {{1}, {}},           {{3}, 0},       {{513}, {}},     {{2, 3, 700}, {}}, {{2, 3, 700}, 1},
    {{5, 1031}, 0},      {{1031, 5}, 1}, {{4, 6, 49}, 1}, {{4, 6, 7, 7}, 1}, {{2, 2, 36, 64}, 1},
    {{3, 2, 17'000}, 1}, {{70'000}, {}}, {{2, 0, 4}, {}}, {{2, 0, 4}, 0},    {{2, 0, 4}, 1},
};

TEST(CudaCollector, HostTensorsGiveTheCpusBits) {
  for (const Layout& layout : layouts) {
    for (const Shape distribution : {Shape::normal, Shape::relu, Shape::heavy_tail, Shape::negative}) {
      const std::vector<float> values =
          with_faults(samples(distribution, static_cast<std::size_t>(elements_of(layout.shape)), 5));
      for (const DType dtype : dtypes) {
        if (dtype != DType::f32 && distribution != Shape::normal) continue;
        const TypedTensor tensor(values, layout.shape, dtype);
        for (const CollectSpec& spec : specs(layout.axis)) {
          SCOPED_TRACE(describe(layout.shape, layout.axis, spec, dtype));
          expect_equal(collected(*test_backend(), spec, tensor.view()),
                       collected(*Backend::cpu(), spec, tensor.view()));
        }
      }
    }
  }
}

TEST(CudaCollector, DeviceTensorsGiveTheCpusBits) {
  for (const Layout& layout : layouts) {
    const std::vector<float> values =
        with_faults(samples(Shape::normal, static_cast<std::size_t>(elements_of(layout.shape)), 6));
    for (const DType dtype : dtypes) {
      const TypedTensor tensor(values, layout.shape, dtype);
      // The second lies one byte behind any boundary.
      for (const std::size_t offset : {std::size_t{0}, std::size_t{1}}) {
        const DeviceTensor on_device(tensor.view(), offset);
        for (const CollectSpec& spec : specs(layout.axis)) {
          SCOPED_TRACE(describe(layout.shape, layout.axis, spec, dtype) + " offset " +
                       std::to_string(offset));
          expect_equal(collected(*test_backend(), spec, on_device.view()),
                       collected(*Backend::cpu(), spec, tensor.view()));
        }
      }
    }
  }
}

TEST(CudaCollector, StridedViewsGiveTheCpusBits) {
  const std::vector<float> values = samples(Shape::normal, 6 * 8 * 10 * 12, 7);
  const TypedTensor tensor(values, {6, 8, 10, 12}, DType::f32);
  struct Strided {
    Extents shape;
    Extents strides;
  };
  const Strided views[] = {
      {{12, 10, 8, 6}, {1, 12, 120, 960}},  // transposed
      {{3, 4, 5, 6}, {1920, 240, 24, 2}},   // every second
      {{6, 8, 10, 12}, {960, 120, 12, 1}},  // as it is
      {{6, 8, 10, 12}, {0, 120, 12, 1}},    // repeated
  };
  for (const Strided& strided : views) {
    TensorView view = tensor.view();
    view.shape = strided.shape;
    view.strides = strided.strides;
    const DeviceTensor on_device(tensor.view(), 0);
    TensorView device_view = on_device.view();
    device_view.shape = strided.shape;
    device_view.strides = strided.strides;
    for (const std::optional<int> axis :
         {std::optional<int>{}, std::optional<int>{0}, std::optional<int>{-1}}) {
      for (const CollectSpec& spec : specs(axis)) {
        const Summary expected = collected(*Backend::cpu(), spec, view);
        SCOPED_TRACE(describe(view.shape, axis, spec, view.dtype));
        {
          SCOPED_TRACE("on the host");
          expect_equal(collected(*test_backend(), spec, view), expected);
        }
        SCOPED_TRACE("on the device");
        expect_equal(collected(*test_backend(), spec, device_view), expected);
      }
    }
  }
}

// Sums of more chunks than a block has threads.
TEST(CudaCollector, LongSumsGiveTheCpusBits) {
  const std::vector<float> values = samples(Shape::heavy_tail, 301'077, 10);
  const TypedTensor tensor(values, {301'077}, DType::f32);
  for (CollectSpec spec : specs({})) {
    spec.moments = true;
    expect_equal(collected(*test_backend(), spec, tensor.view()),
                 collected(*Backend::cpu(), spec, tensor.view()));
  }
}

// More channels than a launch has blocks for.
TEST(CudaCollector, ManyChannelsGiveTheCpusBits) {
  constexpr std::int64_t channels = 1'100;
  const std::vector<float> values = samples(Shape::normal, 2 * channels, 11);
  const TypedTensor tensor(values, {2, channels}, DType::f32);
  CollectSpec spec;
  spec.channel_axis = 1;
  spec.binning = Binning::dyadic_magnitude;
  spec.moments = true;
  expect_equal(collected(*test_backend(), spec, tensor.view()),
               collected(*Backend::cpu(), spec, tensor.view()));
  spec.moments = false;
  spec.binning = Binning::none;
  spec.candidates = {candidates(CandidateRule::halving, true, Rounding::half_even)};
  expect_equal(collected(*test_backend(), spec, tensor.view()),
               collected(*Backend::cpu(), spec, tensor.view()));
}

// vai_q_pytorch's accumulated histograms grow beyond what a block counts in shared memory.
TEST(CudaCollector, GrowingHistogramsGiveTheCpusBits) {
  for (const std::optional<int> axis : {std::optional<int>{}, std::optional<int>{0}}) {
    CollectSpec spec;
    spec.channel_axis = axis;
    spec.binning = Binning::vitis;
    spec.accumulate = true;
    const auto on_device = test_backend()->make_collector(spec);
    const auto on_host = Backend::cpu()->make_collector(spec);
    for (const double factor : {1.0, 0.3, 2.7, 4.1}) {
      const std::vector<float> values = samples(Shape::normal, 3 * 700, 12, factor);
      const TypedTensor tensor(values, {3, 700}, DType::f32);
      on_device->collect(tensor.view(), {});
      on_host->collect(tensor.view(), {});
    }
    const Summary found = on_device->take();
    EXPECT_GT(found.channels[0].histogram.bins(), histogram_bins);
    expect_equal(found, on_host->take());
  }
}

// So little device memory that batches are sent piece by piece, twice, in pieces of 4096 floats.
TEST(CudaCollector, BatchesLargerThanTheDeviceKeepsGiveTheCpusBits) {
  CudaLimits limits;
  limits.batch_bytes = 64 * 1024;
  limits.staging_bytes = 64 * 1024;
  limits.staging_buffers = 2;
  const auto backend = make_cuda_backend(limits);
  const Layout large[] = {{{20'001}, {}},    {{3, 3, 2511}, {}}, {{3, 3, 2511}, 0},
                          {{3, 3, 2511}, 1}, {{2, 2, 5'001}, 1}, {{4'001, 3}, -1}};
  for (const Layout& layout : large) {
    const std::vector<float> values =
        with_faults(samples(Shape::normal, static_cast<std::size_t>(elements_of(layout.shape)), 8));
    for (const DType dtype : {DType::f32, DType::f16}) {
      const TypedTensor tensor(values, layout.shape, dtype);
      for (const CollectSpec& spec : specs(layout.axis)) {
        // There the batch is sent once for each channel, which takes long and shows nothing more.
        if (spec.binning == Binning::vitis && layout.axis) continue;
        SCOPED_TRACE(describe(layout.shape, layout.axis, spec, dtype));
        expect_equal(collected(*backend, spec, tensor.view()),
                     collected(*Backend::cpu(), spec, tensor.view()));
      }
    }
  }
}

// Long enough that the counts of bit patterns are worth while.
TEST(CudaCollector, LargeSixteenBitTensorsGiveTheCpusBits) {
  const std::vector<float> piled_up = with_faults(samples(Shape::relu, (1 << 18) + 77, 9));
  const std::vector<float> far_apart = samples(Shape::normal, (1 << 18) + 77, 9, 12'000.0);
  for (const std::vector<float>& values : {piled_up, far_apart}) {
    for (const DType dtype : {DType::f16, DType::bf16}) {
      const TypedTensor tensor(values, {(1 << 18) + 77}, dtype);
      for (CollectSpec spec : specs({})) {
        spec.candidates.clear();
        SCOPED_TRACE(describe({(1 << 18) + 77}, {}, spec, dtype));
        expect_equal(collected(*test_backend(), spec, tensor.view()),
                     collected(*Backend::cpu(), spec, tensor.view()));
      }
    }
  }
}

TEST(CudaCollector, ManyBatchesInFlightStayApartAndInOrder) {
  std::vector<std::vector<float>> batches;
  for (std::uint64_t i = 0; i < 11; ++i)
    batches.push_back(samples(Shape::normal, 1'000 + 37 * i, i, 1.0 + static_cast<double>(i)));
  for (const bool accumulate : {false, true}) {
    CollectSpec spec;
    spec.binning = accumulate ? Binning::dyadic_value : Binning::linear_magnitude;
    spec.accumulate = accumulate;
    const auto on_device = test_backend()->make_collector(spec);
    const auto on_host = Backend::cpu()->make_collector(spec);
    for (const std::vector<float>& values : batches) {
      const TensorView view{
          values.data(), DType::f32, {static_cast<std::int64_t>(values.size())}, Memory::host, {}};
      on_device->collect(view, {});
      on_host->collect(view, {});
    }
    const std::vector<Summary> found = on_device->take_all(Wait::yes);
    const std::vector<Summary> expected = on_host->take_all(Wait::yes);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) expect_equal(found[i], expected[i]);
  }
}

}  // namespace
}  // namespace qcal::testing
