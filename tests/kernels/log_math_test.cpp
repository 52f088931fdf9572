#include "kernels/log_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

// Error in units of the last place of the result. long double needs some more bits than double for that.
double error_in_ulps(double x) {
  const long double exact = std::log(static_cast<long double>(x));
  const double nearest = static_cast<double>(exact);
  const double spacing =
      std::nextafter(std::fabs(nearest), std::numeric_limits<double>::infinity()) - std::fabs(nearest);
  return static_cast<double>(std::fabs(static_cast<long double>(search_log(x)) - exact) / spacing);
}

class LogMath : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::numeric_limits<long double>::digits < 64) {
      GTEST_SKIP() << "long double is double here: no reference";
    }
  }
};

constexpr double documented_ulps = 1.0;

TEST_F(LogMath, ErrorOverAllMagnitudes) {
  SplitMix64 random(1);
  double worst = 0.0;
  for (int i = 0; i < 400'000; ++i) {
    const double x = std::bit_cast<double>(random.next() & 0x7fffffffffffffffu);
    if (!std::isfinite(x) || x == 0.0) continue;
    worst = std::max(worst, error_in_ulps(x));
  }
  EXPECT_LT(worst, documented_ulps);
}

TEST_F(LogMath, ErrorNearOneAndWhereTheExponentIsSplit) {
  double worst = 0.0;
  for (const double center : {1.0, std::sqrt(2.0), std::sqrt(0.5), 2.0, 0.5}) {
    double up = center;
    double down = center;
    for (int i = 0; i < 20'000; ++i) {
      if (up != 1.0) worst = std::max(worst, error_in_ulps(up));
      if (down != 1.0) worst = std::max(worst, error_in_ulps(down));
      up = std::nextafter(up, 10.0);
      down = std::nextafter(down, 0.0);
    }
  }
  SplitMix64 random(2);
  for (int i = 0; i < 400'000; ++i) worst = std::max(worst, error_in_ulps(0.5 + 1.5 * random.uniform()));
  EXPECT_LT(worst, documented_ulps);
}

TEST_F(LogMath, ErrorOnSubnormalsAndCounts) {
  double worst = 0.0;
  SplitMix64 random(3);
  for (int i = 0; i < 50'000; ++i) {
    const double subnormal = std::bit_cast<double>((random.next() & 0x000fffffffffffffu) | 1u);
    worst = std::max({worst, error_in_ulps(subnormal), error_in_ulps(i + 2.0)});
  }
  worst = std::max(worst, error_in_ulps(std::numeric_limits<double>::denorm_min()));
  worst = std::max(worst, error_in_ulps(std::numeric_limits<double>::max()));
  EXPECT_LT(worst, documented_ulps);
}

TEST(LogBits, OneIsExactlyZero) {
  EXPECT_EQ(std::bit_cast<std::uint64_t>(search_log(1.0)), 0u);
}

// A near-tie of two thresholds must be decided alike on every machine and by every release.
TEST(LogBits, NeverChange) {
  struct Pinned {
    double x;
    std::uint64_t log;
  };
  constexpr Pinned pinned[] = {
      {.x = 2.0, .log = 0x3fe62e42fefa39ef},        {.x = 3.0, .log = 0x3ff193ea7aad030a},
      {.x = 5.0, .log = 0x3ff9c041f7ed8d33},        {.x = 7.0, .log = 0x3fff2272ae325a57},
      {.x = 10.0, .log = 0x40026bb1bbb55516},       {.x = 0.5, .log = 0xbfe62e42fefa39ef},
      {.x = 0.1, .log = 0xc0026bb1bbb55515},        {.x = 0.75, .log = 0xbfd269621134db92},
      {.x = 1.25, .log = 0x3fcc8ff7c79a9a22},       {.x = 1.4142135, .log = 0x3fd62e42cf9ee3eb},
      {.x = 1.4142136, .log = 0x3fd62e431b8bb196},  {.x = 0.70710678, .log = 0xbfd62e4300c77ae8},
      {.x = 2048.0, .log = 0x401e7f9c1e980fa9},     {.x = 1e6, .log = 0x402ba18a998fffa0},
      {.x = 1e100, .log = 0x406cc845b54b54f2},      {.x = 1e-100, .log = 0xc06cc845b54b54f2},
      {.x = 1e-310, .log = 0xc0864e69394d9508},     {.x = 4.9e-324, .log = 0xc0874385446d71c3},
      {.x = 16777217.0, .log = 0x4030a2b2403bab73}, {.x = 1.0000001, .log = 0x3e7ad7f2847b6492},
  };
  for (const Pinned& expected : pinned) {
    const std::uint64_t ours = std::bit_cast<std::uint64_t>(search_log(expected.x));
    EXPECT_EQ(ours, expected.log) << expected.x << std::hex << " 0x" << ours;
  }
}

}  // namespace
}  // namespace qcal::testing
