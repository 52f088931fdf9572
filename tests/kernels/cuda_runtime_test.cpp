// How the CUDA back end behaves towards the runtime: when it waits, what it holds, and what happens when
// calls fail. Runs on the emulated device alone, whose memory and failures a test can choose.
#include <gtest/gtest.h>

#include "kernels/backend.h"
#include "kernels/collector.h"
#include "kernels/cuda_backend.h"
#include "kernels/cuda_device.h"
#include "kernels/error.h"
#include "kernels/patch_sums.h"
#include "tests/host_cuda/host_cuda.h"
#include "tests/reference/test_data.h"
#include "tests/support/device_tensor.h"
#include "tests/support/summaries.h"
#include "tests/support/typed_tensor.h"

namespace qcal::testing {
namespace {

constexpr std::size_t kibibyte = 1024;
constexpr std::size_t mebibyte = 1024 * kibibyte;

class CudaRuntime : public ::testing::Test {
 protected:
  CudaRuntime() { host_cuda::reset(); }
  ~CudaRuntime() override { host_cuda::reset(); }
};

CollectSpec full_spec(std::optional<int> axis = {}) {
  CollectSpec spec;
  spec.channel_axis = axis;
  spec.binning = Binning::linear_magnitude;
  CandidateSpec candidates;
  candidates.rule = CandidateRule::halving;
  candidates.range = {-128, 127};
  spec.candidates = {candidates};
  return spec;
}

TensorView view_of(const std::vector<float>& values) {
  return {values.data(), DType::f32, {static_cast<std::int64_t>(values.size())}, Memory::host, {}};
}

CudaLimits small_limits() {
  CudaLimits limits;
  limits.batch_bytes = mebibyte;
  limits.staging_bytes = 64 * kibibyte;
  limits.staging_buffers = 8;
  return limits;
}

TEST_F(CudaRuntime, CollectNeverWaitsForTheDevice) {
  const std::vector<float> values = samples(Shape::normal, 10'000, 1);
  const DeviceTensor on_device(view_of(values), 0);
  const auto backend = make_cuda_backend(small_limits());
  const auto collector = backend->make_collector(full_spec());
  // The slots grow to the batches' size once each; from then on nothing waits.
  for (int i = 0; i < 3; ++i) collector->collect(on_device.view(), {});
  const std::uint64_t waits = host_cuda::counters().host_waits;
  for (int i = 0; i < 20; ++i) collector->collect(on_device.view(), {});
  EXPECT_EQ(host_cuda::counters().host_waits, waits);
  EXPECT_EQ(collector->take_all(Wait::yes).size(), 23u);
  EXPECT_GT(host_cuda::counters().host_waits, waits);
}

TEST_F(CudaRuntime, TakingWithoutWaitingGivesWhatIsFinishedInOrder) {
  const auto backend = make_cuda_backend(small_limits());
  const auto collector = backend->make_collector(full_spec());
  std::vector<Summary> taken;
  std::vector<std::vector<float>> batches;
  for (std::uint64_t i = 0; i < 9; ++i) {
    batches.push_back(samples(Shape::normal, 500, i, static_cast<double>(i + 1)));
    collector->collect(view_of(batches.back()), {});
    for (Summary& summary : collector->take_all(Wait::no)) taken.push_back(std::move(summary));
  }
  for (Summary& summary : collector->take_all(Wait::yes)) taken.push_back(std::move(summary));
  ASSERT_EQ(taken.size(), batches.size());
  for (std::size_t i = 0; i < taken.size(); ++i) {
    const auto expected = Backend::cpu()->make_collector(full_spec());
    expected->collect(view_of(batches[i]), {});
    expect_equal(taken[i], expected->take());
  }
}

// Two collectors on streams of their own, whose kernels the emulation interleaves.
TEST_F(CudaRuntime, CollectorsOnDifferentStreamsDoNotDisturbEachOther) {
  const std::vector<float> a = samples(Shape::normal, 40'000, 1);
  const std::vector<float> b = samples(Shape::heavy_tail, 30'000, 2);
  const DeviceTensor a_on_device(view_of(a), 0);
  const DeviceTensor b_on_device(view_of(b), 1);  // is gathered into the slot's memory first
  const OwnedStream first;
  const OwnedStream second;
  const auto backend = make_cuda_backend(small_limits());
  const auto of_a = backend->make_collector(full_spec());
  const auto of_b = backend->make_collector(full_spec());
  for (int i = 0; i < 5; ++i) {
    of_a->collect(a_on_device.view(), {first.get()});
    of_b->collect(b_on_device.view(), {second.get()});
  }
  const auto expected = [&](const std::vector<float>& values) {
    const auto collector = Backend::cpu()->make_collector(full_spec());
    collector->collect(view_of(values), {});
    return collector->take();
  };
  for (const Summary& summary : of_a->take_all(Wait::yes)) expect_equal(summary, expected(a));
  for (const Summary& summary : of_b->take_all(Wait::yes)) expect_equal(summary, expected(b));
}

TEST_F(CudaRuntime, MemoryDoesNotGrowWithTheNumberOrSizeOfBatches) {
  const auto backend = make_cuda_backend(small_limits());
  const auto collector = backend->make_collector(full_spec());
  for (const std::size_t size : {std::size_t{1'000}, std::size_t{100'000}, std::size_t{900'000}}) {
    const std::vector<float> values = samples(Shape::normal, size, 1);
    for (int i = 0; i < 4; ++i) collector->collect(view_of(values), {});
    collector->take_all(Wait::yes);
  }
  // Three slots of the batch and its results, which for one channel are 16 KiB of counts and, for each chunk
  // of 512 floats on the device at once, 40 bytes.
  EXPECT_LE(host_cuda::counters().peak_device_bytes, 3 * (mebibyte + 128 * kibibyte));
  EXPECT_LE(host_cuda::counters().peak_pinned_bytes, 8 * 64 * kibibyte + 3 * 32 * kibibyte);
}

TEST_F(CudaRuntime, LittleDeviceMemoryMeansSmallerPieces) {
  host_cuda::Options options = host_cuda::options();
  options.device_memory_bytes = mebibyte;
  host_cuda::reset(options);
  CudaLimits limits = small_limits();
  limits.batch_bytes = 16 * mebibyte;
  const auto backend = make_cuda_backend(limits);
  const std::vector<float> values = samples(Shape::normal, 300'000, 3);
  const auto collector = backend->make_collector(full_spec());
  const auto expected = Backend::cpu()->make_collector(full_spec());
  collector->collect(view_of(values), {});
  expected->collect(view_of(values), {});
  expect_equal(collector->take(), expected->take());
}

TEST_F(CudaRuntime, LittlePinnedMemoryMeansSmallerBuffers) {
  host_cuda::Options options = host_cuda::options();
  options.pinned_memory_bytes = mebibyte;
  host_cuda::reset(options);
  CudaLimits limits = small_limits();
  limits.staging_bytes = 64 * mebibyte;
  limits.staging_buffers = 4;
  const auto backend = make_cuda_backend(limits);
  const std::vector<float> values = samples(Shape::normal, 100'000, 3);
  const auto collector = backend->make_collector(full_spec());
  collector->collect(view_of(values), {});
  EXPECT_EQ(collector->take().elements, 100'000u);
}

TEST_F(CudaRuntime, NoMemoryAtAllIsAnErrorThatNamesSizes) {
  host_cuda::Options options = host_cuda::options();
  options.device_memory_bytes = 32 * kibibyte;
  host_cuda::reset(options);
  const auto backend = make_cuda_backend(small_limits());
  const std::vector<float> values = samples(Shape::normal, 100'000, 3);
  const auto collector = backend->make_collector(full_spec());
  try {
    collector->collect(view_of(values), {});
    FAIL() << "accepted";
  } catch (const CudaError& error) {
    EXPECT_NE(std::string(error.what()).find("bytes of device memory"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("out of memory"), std::string::npos) << error.what();
  }
  // The error is not sticky: smaller work goes on.
  options.device_memory_bytes = 64 * mebibyte;
  host_cuda::configure(options);
  collector->collect(view_of(values), {});
  EXPECT_EQ(collector->take().elements, 100'000u);
}

TEST_F(CudaRuntime, WithoutADeviceAutomaticTakesTheCpuAndSaysWhy) {
  host_cuda::Options options = host_cuda::options();
  options.device_count = 0;
  options.no_device_error = cudaErrorInsufficientDriver;
  host_cuda::reset(options);
  EXPECT_EQ(Backend::automatic()->name(), "cpu");
  EXPECT_NE(Backend::automatic()->reason().find("no CUDA device answers"), std::string::npos);
  EXPECT_THROW(Backend::cuda(), CudaError);
  host_cuda::reset();
  EXPECT_EQ(Backend::automatic()->name(), "cuda");
}

// Whatever call of run() fails, and whenever: an error that says so, never a wrong or a missing result.
template <class Run, class Compare>
void expect_every_failure_reported(const Run& run, const Compare& compare) {
  host_cuda::reset();
  const auto expected = run();
  const std::uint64_t calls = host_cuda::counters().runtime_calls;
  std::uint64_t reported = 0;
  for (std::uint64_t call = 1; call <= calls; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    host_cuda::Options options;
    options.fail_call = call;
    options.fail_with = cudaErrorUnknown;
    host_cuda::reset(options);
    try {
      // The failure met a destructor, or a call after which the work was done otherwise.
      compare(run(), expected);
    } catch (const CudaError&) {
      ++reported;
    }
  }
  EXPECT_GT(reported, calls / 2);
}

TEST_F(CudaRuntime, EveryFailingCallIsReported) {
  const std::vector<float> values = samples(Shape::normal, 3'000, 4);
  const auto run = [&] {
    const auto backend = make_cuda_backend(small_limits());
    const auto collector = backend->make_collector(full_spec());
    for (int i = 0; i < 4; ++i) collector->collect(view_of(values), {});
    return collector->take_all(Wait::yes);
  };
  using Summaries = std::vector<Summary>;
  expect_every_failure_reported(run, [](const Summaries& found, const Summaries& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) expect_equal(found[i], expected[i]);
  });
}

TEST_F(CudaRuntime, ErrorsNameTensorAndSizes) {
  const std::vector<float> values = samples(Shape::normal, 3'000, 4);
  const auto backend = make_cuda_backend(small_limits());
  const auto collector = backend->make_collector(full_spec());
  host_cuda::Options options = host_cuda::options();
  bool named = false;
  for (std::uint64_t ahead = 1; ahead < 30 && !named; ++ahead) {
    options.fail_call = host_cuda::counters().runtime_calls + ahead;
    host_cuda::configure(options);
    try {
      collector->collect(view_of(values), {});
    } catch (const CudaError& error) {
      named = std::string(error.what()).find("kernel of a float32 tensor [3000]") != std::string::npos;
    }
  }
  EXPECT_TRUE(named);
}

// Samples of ten rows of a hundred values, which are all added.
PatchWindow whole_rows(const std::vector<float>& values) {
  PatchWindow window;
  window.samples = static_cast<std::int64_t>(values.size()) / 1'000;
  window.rows = window.positions = 10;
  window.row_length = 100;
  window.outer = {{{0, 1, 10}}};
  window.inner = {{0, 1, 100}};
  return window;
}

TEST_F(CudaRuntime, InputPatchesNeitherWaitForTheDeviceNorGrow) {
  const std::vector<float> values = samples(Shape::normal, 900'000, 1);
  const DeviceTensor on_device(view_of(values), 0);
  const auto backend = make_cuda_backend(small_limits());
  const auto sums = backend->make_patch_sums();
  const auto collect = [&](const TensorView& view) {
    sums->collect(WholeTensor(view), {whole_rows(values)}, {});
  };
  for (int i = 0; i < 3; ++i) collect(on_device.view());
  const std::uint64_t waits = host_cuda::counters().host_waits;
  for (int i = 0; i < 6; ++i) collect(on_device.view());
  EXPECT_EQ(host_cuda::counters().host_waits, waits);
  for (int i = 0; i < 6; ++i) collect(view_of(values));
  EXPECT_EQ(sums->take(0).fitted.samples, 15 * 900 * 3 / 4);
  // Three slots of the batch and the sums of 9000 rows and 900 samples.
  EXPECT_LE(host_cuda::counters().peak_device_bytes,
            sizeof(float) * 900'000 + 3 * (mebibyte + 256 * kibibyte));
}

TEST_F(CudaRuntime, EveryFailingCallOfInputPatchesIsReported) {
  const std::vector<float> values = samples(Shape::normal, 3'000, 4);
  const auto run = [&] {
    const auto backend = make_cuda_backend(small_limits());
    const auto sums = backend->make_patch_sums();
    for (int i = 0; i < 4; ++i) sums->collect(WholeTensor(view_of(values)), {whole_rows(values)}, {});
    return sums->take(0).fitted.sums;
  };
  using Sums = std::vector<double>;
  expect_every_failure_reported(run,
                                [](const Sums& found, const Sums& expected) { EXPECT_EQ(found, expected); });
}

}  // namespace
}  // namespace qcal::testing
