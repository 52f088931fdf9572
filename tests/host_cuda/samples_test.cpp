// Correct kernels give correct results under every schedule, and no faults.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/host_cuda/device_array.h"
#include "tests/host_cuda/host_cuda.h"
#include "tests/host_cuda/samples/sample_kernels.h"

namespace qcal::samples {
namespace {

struct Case {
  std::size_t offset;
  std::size_t count;
  int blocks;
};

// Before any member asks for memory.
struct FreshDevice {
  FreshDevice() { host_cuda::reset(); }
};

class Samples : private FreshDevice, public testing::TestWithParam<Case> {
 protected:
  Samples() {
    std::iota(host_.begin(), host_.end(), 7u);
    std::reverse(host_.begin(), host_.end());
    device_.copy_from(host_);
  }

  const unsigned* values() const { return device_.data() + GetParam().offset; }
  std::vector<unsigned> expected_values() const {
    const auto begin = host_.begin() + static_cast<std::ptrdiff_t>(GetParam().offset);
    return {begin, begin + static_cast<std::ptrdiff_t>(GetParam().count)};
  }

 private:
  std::vector<unsigned> host_ = std::vector<unsigned>(5000);
  host_cuda::DeviceArray<unsigned> device_{host_.size()};
};

TEST_P(Samples, Sum) {
  host_cuda::DeviceArray<unsigned long long> sum(1);
  sum.copy_from({5});
  add_values(values(), GetParam().count, sum.data(), GetParam().blocks, nullptr);
  const std::vector<unsigned> all = expected_values();
  EXPECT_EQ(sum.to_host()[0], std::accumulate(all.begin(), all.end(), 5ull));
}

TEST_P(Samples, Histogram) {
  std::vector<unsigned> expected(histogram_bins, 3);
  host_cuda::DeviceArray<unsigned> histogram(expected.size());
  histogram.copy_from(expected);
  add_histogram(values(), GetParam().count, histogram.data(), GetParam().blocks, nullptr);
  for (const unsigned value : expected_values()) ++expected[value % histogram_bins];
  EXPECT_EQ(histogram.to_host(), expected);
}

TEST_P(Samples, Largest) {
  host_cuda::DeviceArray<unsigned> partial(static_cast<std::size_t>(GetParam().blocks));
  host_cuda::DeviceArray<unsigned> arrived(1);
  arrived.copy_from({0});
  host_cuda::DeviceArray<unsigned> result(1);
  find_largest(values(), GetParam().count, partial.data(), arrived.data(), result.data(), GetParam().blocks,
               nullptr);
  const std::vector<unsigned> all = expected_values();
  EXPECT_EQ(result.to_host()[0], *std::max_element(all.begin(), all.end()));
  EXPECT_EQ(arrived.to_host()[0], 0u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Samples,
                         testing::Values(Case{0, 1, 1}, Case{1, 1, 3}, Case{1, 2, 2}, Case{2, 31, 1},
                                         Case{3, 512, 2}, Case{0, 1021, 3}, Case{1, 4999, 5},
                                         Case{0, 5000, 200}));

}  // namespace
}  // namespace qcal::samples
