#include "kernels/device_floats.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace qcal {
namespace {

std::vector<float> counted(std::size_t count, float first) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

// A pinned buffer holds 2 Mi of them.
TEST(HostLink, BringsBackWhatWasSentWhateverTheSize) {
  constexpr std::size_t buffer = std::size_t{2} << 20;
  HostLink link;
  for (const std::size_t count :
       {std::size_t{0}, std::size_t{1}, buffer - 1, buffer, buffer + 1, 7 * buffer / 2}) {
    const DeviceFloats there(count);
    const std::vector<float> sent = counted(count, 1.0F);
    link.upload(sent, there.data());
    std::vector<float> back(count, -1.0F);
    link.download(there.data(), back);
    EXPECT_TRUE(back == sent) << count;
  }
}

TEST(HostLink, TakesWhatWasUploadedLast) {
  HostLink link;
  const DeviceFloats there(5'000'000);
  for (int round = 0; round < 4; ++round) {
    std::vector<float> values = counted(there.count(), static_cast<float>(round));
    const std::vector<float> sent = values;
    link.upload(values, there.data());
    values.assign(values.size(), 0.0F);  // they may go at once
    link.download(there.data(), values);
    EXPECT_TRUE(values == sent) << round;
  }
}

}  // namespace
}  // namespace qcal
