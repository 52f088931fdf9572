// The 16-bit rounding that other tests take their data from.
#include "tests/support/typed_tensor.h"

#include <gtest/gtest.h>

#include "kernels/half_math.h"

namespace qcal::testing {
namespace {

void expect_exact(const SixteenBits& format, float (*widen)(std::uint16_t)) {
  for (unsigned bits = 0; bits < 65'536; ++bits) {
    const float value = widen(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) continue;
    const Rounded rounded = rounded_to(format, value);
    ASSERT_EQ(rounded.bits, bits) << value;
    ASSERT_EQ(rounded.value, value) << bits;
  }
}

TEST(TypedTensor, EveryPatternRoundsToItself) {
  expect_exact({5, 10}, float16_to_float);
  expect_exact({8, 7}, bfloat16_to_float);
}

TEST(TypedTensor, RoundsToNearestEvenAndOverflowsToInfinity) {
  const TypedTensor halves({1.0f + 0x1p-11f, 1.0f + 0x1.8p-10f, 65'519.0f, -65'520.0f, 0x1p-25f, 0x1.8p-25f},
                           {6}, DType::f16);
  EXPECT_EQ(halves.values(), (std::vector<float>{1.0f, 1.0f + 0x1p-9f, 65'504.0f,
                                                 -std::numeric_limits<float>::infinity(), 0.0f, 0x1p-24f}));
}

}  // namespace
}  // namespace qcal::testing
