// The emulation reports each class of fault that it claims to, and nothing in correct kernels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <string>

#include "tests/host_cuda/device_array.h"
#include "tests/host_cuda/flavour.h"
#include "tests/host_cuda/host_cuda.h"
#include "tests/host_cuda/samples/faulty_kernels.h"

namespace qcal::samples {
namespace {

// What each flavour says; empty where it may say nothing. The sanitizers end the process.
struct Reports {
  std::string plain;
  std::string asan;
  std::string race;
};

Reports everywhere(const std::string& text) {
  return {text, text, text};
}

const std::map<std::string, Reports>& expected_reports() {
  static const std::map<std::string, Reports> reports = {
      {"barrier_in_branch", everywhere("__syncthreads")},
      {"exit_before_barrier", everywhere("exited")},
      {"two_barriers", everywhere("divergent __syncthreads")},
      {"circle_of_masks", everywhere("deadlock")},
      {"mask_without_caller", everywhere("which does not name it")},
      {"mask_of_absent_lanes", everywhere("have exited or do not exist")},
      {"mask_of_a_branch", everywhere("exited")},
      {"source_outside_mask", everywhere("shuffles from lane 20, which is not in mask")},
      {"two_operations", everywhere("divergent warp")},
      {"shuffle_width", everywhere("shuffle width 12")},
      {"no_barrier_between", {"", "", "race in shared memory"}},
      {"no_barrier_before_reuse", {"", "", "race in shared memory"}},
      {"no_warp_barrier", {"", "", "race in shared memory"}},
      {"plain_shared_update", {"", "", "race in shared memory"}},
      {"plain_device_update", {"", "", "race in device memory"}},
      {"last_block_without_fence", {"", "", "race in device memory"}},
      {"beyond_static_shared", {"", "out of bounds", "write out of bounds of shared memory"}},
      {"beyond_dynamic_shared", {"", "heap-buffer-overflow", "write out of bounds of shared memory"}},
      {"beyond_device_memory", {"", "heap-buffer-overflow", "read out of bounds of device memory"}},
      {"unwritten_shared", {"", "", "read of uninitialised shared memory"}},
      {"misaligned_load", everywhere("not a multiple of 16")},
      {"misaligned_pointer", {"", "misaligned address", ""}},
      {"conversion_out_of_range", {"", "outside the range of representable values", ""}},
      {"too_much_shared", everywhere("bytes of shared memory")},
  };
  return reports;
}

class Faults : public testing::TestWithParam<FaultyKernel> {
 protected:
  // What the runtime found wrong with a run; empty if nothing.
  static std::string run(bool faulty) {
    host_cuda::reset();
    const host_cuda::DeviceArray<unsigned> in(faulty_threads);
    std::vector<unsigned> values(faulty_threads);
    std::iota(values.begin(), values.end(), 1u);
    in.copy_from(values);
    const host_cuda::DeviceArray<unsigned> out(faulty_threads);
    out.copy_from(std::vector<unsigned>(faulty_threads, 0));
    launch_faulty(GetParam(), faulty, in.data(), out.data());
    const cudaError_t status = cudaDeviceSynchronize();
    EXPECT_EQ(status, host_cuda::last_fault().empty() ? cudaSuccess : cudaErrorLaunchFailure);
    return host_cuda::last_fault();
  }
};

TEST_P(Faults, AreReported) {
  const Reports& reports = expected_reports().at(GetParam().name);
  const bool by_sanitizer = host_cuda::flavour() == "asan" && reports.asan != reports.plain;
  const std::string& expected = host_cuda::flavour() == "race" ? reports.race
                                : by_sanitizer                 ? reports.asan
                                                               : reports.plain;
  if (expected.empty()) GTEST_SKIP() << "another flavour reports it";
  if (by_sanitizer) {
    EXPECT_DEATH(run(true), expected);
  } else {
    EXPECT_THAT(run(true), testing::HasSubstr(expected));
  }
}

TEST_P(Faults, AreNotSeenInCorrectKernels) {
  EXPECT_EQ(run(false), "");
}

INSTANTIATE_TEST_SUITE_P(Kernels, Faults, testing::ValuesIn(faulty_kernels()),
                         [](const auto& kernel) { return kernel.param.name; });

}  // namespace
}  // namespace qcal::samples
