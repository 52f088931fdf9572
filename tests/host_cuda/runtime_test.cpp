// The emulated runtime: what it refuses, when work runs, what orders it, what it counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <numeric>
#include <vector>

#include "tests/host_cuda/device_array.h"
#include "tests/host_cuda/flavour.h"
#include "tests/host_cuda/host_cuda.h"
#include "tests/host_cuda/samples/sample_kernels.h"

namespace host_cuda {
namespace {

constexpr int count = 1000;
constexpr std::size_t bytes = count * sizeof(unsigned);
constexpr unsigned long long expected_sum = count * (count - 1ull) / 2;

std::vector<unsigned> ascending() {
  std::vector<unsigned> values(count);
  std::iota(values.begin(), values.end(), 0u);
  return values;
}

// Pinned memory, streams and events live until the next reset.
template <class T>
T* pinned(std::size_t elements) {
  T* memory = nullptr;
  EXPECT_EQ(cudaMallocHost(&memory, elements * sizeof(T)), cudaSuccess);
  return memory;
}

cudaStream_t new_stream(unsigned flags = cudaStreamNonBlocking) {
  cudaStream_t stream = nullptr;
  EXPECT_EQ(cudaStreamCreateWithFlags(&stream, flags), cudaSuccess);
  return stream;
}

cudaEvent_t recorded_on(cudaStream_t stream) {
  cudaEvent_t event = nullptr;
  EXPECT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  return event;
}

class Runtime : public testing::Test {
 protected:
  Runtime() { reset(); }
};

// ---- memory ----

TEST_F(Runtime, MemoryBeyondTheLimitIsRefused) {
  Options limited;
  limited.device_memory_bytes = 1000;
  limited.pinned_memory_bytes = 500;
  reset(limited);
  void* first = nullptr;
  void* second = nullptr;
  EXPECT_EQ(cudaMalloc(&first, 900), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 101), cudaErrorMemoryAllocation);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaMallocHost(&second, 501), cudaErrorMemoryAllocation);
  std::size_t free_bytes = 0;
  std::size_t total = 0;
  EXPECT_EQ(cudaMemGetInfo(&free_bytes, &total), cudaSuccess);
  EXPECT_EQ(free_bytes, 100u);
  EXPECT_EQ(cudaFree(first), cudaSuccess);
  EXPECT_EQ(counters().device_bytes, 0u);
  EXPECT_EQ(counters().peak_device_bytes, 900u);
  EXPECT_EQ(cudaFree(first), cudaErrorInvalidValue);
}

TEST_F(Runtime, PointersAreToldApart) {
  const DeviceArray<unsigned> device(count);
  unsigned* const host = pinned<unsigned>(count);
  const unsigned on_stack = 0;
  const auto type_of = [](const void* pointer) {
    cudaPointerAttributes attributes{};
    EXPECT_EQ(cudaPointerGetAttributes(&attributes, pointer), cudaSuccess);
    return attributes.type;
  };
  EXPECT_EQ(type_of(device.data()), cudaMemoryTypeDevice);
  EXPECT_EQ(type_of(device.data() + count - 1), cudaMemoryTypeDevice);
  EXPECT_EQ(type_of(host + 1), cudaMemoryTypeHost);
  EXPECT_EQ(type_of(&on_stack), cudaMemoryTypeUnregistered);
}

TEST_F(Runtime, CopiesMustNameWhatTheyCopy) {
  const DeviceArray<unsigned> device(count);
  std::vector<unsigned> host = ascending();
  EXPECT_EQ(cudaMemcpy(device.data(), host.data(), bytes, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device.data(), host.data(), bytes + 4, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device.data() + 1, host.data(), bytes, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset(device.data(), 0, bytes + 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device.data(), host.data(), bytes, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(device.to_host(), host);
}

// ---- launches ----

TEST_F(Runtime, BadLaunchesAreRefused) {
  const auto launch_with = [](dim3 grid, dim3 block, std::size_t shared_bytes,
                              cudaStream_t stream = nullptr) {
    const auto nothing = +[](int) {};
    launch(nothing, grid, block, shared_bytes, stream, std::tuple<int>(0));
    return cudaGetLastError();
  };
  EXPECT_EQ(launch_with(0, 32, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch_with(1, 1025, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch_with({1, 65536, 1}, 32, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch_with(1, {1, 1, 65}, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch_with(1, 32, 48 * 1024 + 1), cudaErrorInvalidValue);
  const cudaStream_t destroyed = new_stream();
  EXPECT_EQ(cudaStreamDestroy(destroyed), cudaSuccess);
  EXPECT_EQ(launch_with(1, 32, 0, destroyed), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(launch_with(1, 1024, 48 * 1024), cudaSuccess);
}

TEST_F(Runtime, MoreSharedMemoryMustBeAskedFor) {
  const auto nothing = +[](int) {};
  constexpr int asked = 100 * 1024;
  EXPECT_EQ(cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, asked), cudaSuccess);
  launch(nothing, 1, 32, asked, nullptr, std::tuple<int>(0));
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 1 << 20),
            cudaErrorInvalidValue);
}

TEST_F(Runtime, KernelsAreKnownByName) {
  const DeviceArray<unsigned> values(count);
  const DeviceArray<unsigned> histogram(qcal::samples::histogram_bins);
  values.copy_from(ascending());
  cudaMemset(histogram.data(), 0, qcal::samples::histogram_bins * sizeof(unsigned));
  qcal::samples::add_histogram(values.data(), count, histogram.data(), 2, nullptr);
  EXPECT_THAT(launched_kernels(),
              testing::Contains(testing::HasSubstr("histogram_kernel(unsigned int const*")));
}

// ---- when work runs ----

// Sums on a stream, from memory whose values are known when the copy runs.
struct PendingSum {
  DeviceArray<unsigned> values{count};
  DeviceArray<unsigned long long> sum{1};
  unsigned* source = pinned<unsigned>(count);
  unsigned long long* result = pinned<unsigned long long>(1);

  PendingSum() {
    const std::vector<unsigned> numbers = ascending();
    std::copy(numbers.begin(), numbers.end(), source);
    *result = expected_sum;
  }
  void copy_in(cudaStream_t stream) const {
    EXPECT_EQ(cudaMemcpyAsync(values.data(), source, bytes, cudaMemcpyHostToDevice, stream), cudaSuccess);
    EXPECT_EQ(cudaMemsetAsync(sum.data(), 0, sizeof *result, stream), cudaSuccess);
  }
  void add_up(cudaStream_t stream) const {
    qcal::samples::add_values(values.data(), count, sum.data(), 2, stream);
  }
  void copy_out(cudaStream_t stream) const {
    EXPECT_EQ(cudaMemcpyAsync(result, sum.data(), sizeof *result, cudaMemcpyDeviceToHost, stream),
              cudaSuccess);
  }
};

TEST_F(Runtime, ResultsReadBeforeTheWaitAreGarbage) {
  const PendingSum work;
  const cudaStream_t stream = new_stream();
  work.copy_out(stream);
  EXPECT_NE(*work.result, expected_sum) << "which it was before the copy was asked for";
}

TEST_F(Runtime, ResultsAreThereAfterAWait) {
  const std::vector<std::function<void(cudaStream_t)>> waits = {
      [](cudaStream_t stream) { EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess); },
      [](cudaStream_t) { EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess); },
      [](cudaStream_t stream) { EXPECT_EQ(cudaEventSynchronize(recorded_on(stream)), cudaSuccess); },
      [](cudaStream_t stream) {
        const cudaEvent_t event = recorded_on(stream);
        while (cudaEventQuery(event) == cudaErrorNotReady) {
        }
        EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
      },
  };
  for (const auto& wait : waits) {
    reset();
    const PendingSum work;
    const cudaStream_t stream = new_stream();
    work.copy_in(stream);
    work.add_up(stream);
    work.copy_out(stream);
    wait(stream);
    EXPECT_EQ(*work.result, expected_sum);
  }
}

TEST_F(Runtime, CopiesReadPinnedMemoryAtTheirTurn) {
  Options lazy;
  lazy.seed = 0;
  reset(lazy);
  const PendingSum work;
  const cudaStream_t stream = new_stream();
  work.copy_in(stream);
  work.add_up(stream);
  work.copy_out(stream);
  std::fill(work.source, work.source + count, 1u);  // too early
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(*work.result, static_cast<unsigned long long>(count));
}

TEST_F(Runtime, PageableCopiesWait) {
  const PendingSum work;
  const cudaStream_t stream = new_stream();
  work.copy_in(stream);
  work.add_up(stream);
  unsigned long long result = 0;
  const std::uint64_t before = counters().host_waits;
  EXPECT_EQ(cudaMemcpyAsync(&result, work.sum.data(), sizeof result, cudaMemcpyDeviceToHost, stream),
            cudaSuccess);
  EXPECT_EQ(counters().host_waits, before + 1);
  EXPECT_EQ(result, expected_sum);
}

TEST_F(Runtime, OnlyWaitsCountAsWaits) {
  const PendingSum work;
  const cudaStream_t stream = new_stream();
  const cudaStream_t other = new_stream();
  const std::uint64_t before = counters().host_waits;
  work.copy_in(stream);
  EXPECT_EQ(cudaStreamWaitEvent(other, recorded_on(stream)), cudaSuccess);
  work.add_up(other);
  work.copy_out(other);
  cudaEventQuery(recorded_on(other));
  EXPECT_EQ(counters().host_waits, before);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(counters().host_waits, before + 1);
}

TEST_F(Runtime, HostFunctionsRunInOrderAndMayNotCallTheRuntime) {
  const PendingSum work;
  const cudaStream_t stream = new_stream();
  work.copy_in(stream);
  work.add_up(stream);
  work.copy_out(stream);
  struct Seen {
    const unsigned long long* result;
    unsigned long long value = 0;
    cudaError_t status = cudaSuccess;
  } seen{work.result};
  const cudaHostFn_t look = [](void* data) {
    auto& out = *static_cast<Seen*>(data);
    out.value = *out.result;
    out.status = cudaDeviceSynchronize();
  };
  EXPECT_EQ(cudaLaunchHostFunc(stream, look, &seen), cudaSuccess);
  EXPECT_EQ(seen.value, 0u);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(seen.value, expected_sum);
  EXPECT_EQ(seen.status, cudaErrorNotPermitted);
}

TEST_F(Runtime, WorkOfDestroyedStreamsStillRuns) {
  const PendingSum work;
  const cudaStream_t stream = new_stream();
  work.copy_in(stream);
  work.add_up(stream);
  work.copy_out(stream);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(*work.result, expected_sum);
}

// ---- order between streams ----

// How many of 20 seeds give the right sum where copy and sum are on streams ordered by `order`.
int right_sums(unsigned flags, const std::function<void(cudaStream_t from, cudaStream_t to)>& order,
               bool sum_on_default_stream = false) {
  int right = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Options options;
    options.seed = seed;
    reset(options);
    const PendingSum work;
    const cudaStream_t copying = new_stream(flags);
    const cudaStream_t summing = sum_on_default_stream ? nullptr : new_stream(flags);
    work.copy_in(copying);
    order(copying, summing);
    work.add_up(summing);
    work.copy_out(summing);
    EXPECT_EQ(cudaStreamSynchronize(summing), cudaSuccess);
    right += *work.result == expected_sum ? 1 : 0;
  }
  return right;
}

void by_event(cudaStream_t from, cudaStream_t to) {
  EXPECT_EQ(cudaStreamWaitEvent(to, recorded_on(from)), cudaSuccess);
}

TEST_F(Runtime, EventsOrderStreams) {
  EXPECT_EQ(right_sums(cudaStreamNonBlocking, by_event), 20);
}

TEST_F(Runtime, AMissingEventGivesWrongResults) {
  if (flavour() == "race")
    GTEST_SKIP() << "the race checker ends the sum, which reads what nothing has written";
  EXPECT_LT(right_sums(cudaStreamNonBlocking, [](cudaStream_t, cudaStream_t) {}), 20);
}

TEST_F(Runtime, AnEventRecordedTooEarlyOrdersNothing) {
  if (flavour() == "race")
    GTEST_SKIP() << "the race checker ends the sum, which reads what nothing has written";
  const auto too_early = [](cudaStream_t, cudaStream_t to) {
    EXPECT_EQ(cudaStreamWaitEvent(to, recorded_on(new_stream())), cudaSuccess);
  };
  EXPECT_LT(right_sums(cudaStreamNonBlocking, too_early), 20);
}

TEST_F(Runtime, TheDefaultStreamWaitsForBlockingStreams) {
  const auto nothing = [](cudaStream_t, cudaStream_t) {};
  EXPECT_EQ(right_sums(cudaStreamDefault, nothing, true), 20);
}

// ---- failures ----

TEST_F(Runtime, ChosenCallsFail) {
  void* memory = nullptr;
  Options failing;
  failing.fail_call = 2;
  failing.fail_with = cudaErrorMemoryAllocation;
  reset(failing);
  EXPECT_EQ(cudaMalloc(&memory, 16), cudaSuccess);
  EXPECT_EQ(cudaMemset(memory, 0, 16), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMemset(memory, 0, 16), cudaSuccess);
  EXPECT_EQ(counters().runtime_calls, 3u);
}

TEST_F(Runtime, WithoutADeviceNothingWorks) {
  Options none;
  none.device_count = 0;
  none.no_device_error = cudaErrorInsufficientDriver;
  reset(none);
  int devices = 7;
  EXPECT_EQ(cudaGetDeviceCount(&devices), cudaErrorInsufficientDriver);
  EXPECT_EQ(devices, 0);
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 16), cudaErrorInsufficientDriver);
  EXPECT_STREQ(cudaGetErrorString(cudaErrorInsufficientDriver),
               "CUDA driver version is insufficient for CUDA runtime version");
}

TEST_F(Runtime, AFaultStaysUntilReset) {
  const auto bad = +[](int) { __shfl_sync(0u, 1, 0); };
  launch(bad, 1, 32, 0, nullptr, std::tuple<int>(0));
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_THAT(cudaGetErrorString(cudaErrorLaunchFailure), testing::HasSubstr("does not name it"));
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 16), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  reset();
  EXPECT_EQ(cudaMalloc(&memory, 16), cudaSuccess);
}

// ---- what only some flavours see ----

std::string sum_of(const unsigned* values) {
  const DeviceArray<unsigned long long> sum(1);
  sum.copy_from({0});
  qcal::samples::add_values(values, count, sum.data(), 1, nullptr);
  cudaDeviceSynchronize();
  return last_fault();
}

TEST_F(Runtime, HostMemoryInAKernelIsAFault) {
  if (flavour() != "race") GTEST_SKIP() << "only the race checker tells host memory";
  const std::vector<unsigned> host = ascending();
  EXPECT_THAT(sum_of(host.data()), testing::HasSubstr("neither device nor shared memory"));
}

TEST_F(Runtime, UnwrittenDeviceMemoryIsAFault) {
  if (flavour() != "race")
    GTEST_SKIP() << "only the race checker knows what was written; elsewhere it is garbage";
  const DeviceArray<unsigned> values(count);
  EXPECT_THAT(sum_of(values.data()), testing::HasSubstr("read of uninitialised device memory"));
}

TEST_F(Runtime, FreedMemoryIsAFault) {
  if (flavour() == "plain") GTEST_SKIP() << "needs a checker";
  void* freed = nullptr;
  ASSERT_EQ(cudaMalloc(&freed, bytes), cudaSuccess);
  const DeviceArray<unsigned> another(count);
  ASSERT_EQ(cudaFree(freed), cudaSuccess);
  if (flavour() == "asan") {
    EXPECT_DEATH(sum_of(static_cast<unsigned*>(freed)), "heap-use-after-free");
  } else {
    EXPECT_THAT(sum_of(static_cast<unsigned*>(freed)), testing::HasSubstr("out of bounds of device memory"));
  }
}

TEST_F(Runtime, DeviceMemoryInHostCodeIsAFault) {
  if (flavour() != "asan") GTEST_SKIP() << "only AddressSanitizer watches host code";
  const DeviceArray<unsigned> values(count);
  values.copy_from(ascending());
  EXPECT_DEATH(std::fprintf(stderr, "%u\n", *static_cast<volatile unsigned*>(values.data())),
               "use-after-poison");
}

}  // namespace
}  // namespace host_cuda
