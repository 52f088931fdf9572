#include "kernels/fake_quantize.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "tests/reference/reference_quantize.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

constexpr ReferenceQuantizer reference{
    .scale = 0.037f, .zero_point = 100, .range = {0, 255}, .rounding = Rounding::half_up};

ElementQuantizer quantizer() {
  return element_quantizer(reference.scale, reference.zero_point, reference.range, reference.rounding);
}

std::vector<float> with_specials(std::size_t size) {
  std::vector<float> values = samples(Shape::heavy_tail, size, size);
  const float specials[] = {-0.0f, nan_value, infinity, -infinity, 3e38f, smallest_subnormal, -1e-40f};
  for (std::size_t i = 0; i < std::size(specials); ++i) {
    if (5 * i < size) values[5 * i] = specials[i];
  }
  return values;
}

TEST(FakeQuantize, EverySizeAndAlignment) {
  for (const std::size_t size : edge_sizes) {
    for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
      const std::vector<float> values = with_specials(size + offset);
      std::vector<float> out(size, 7.0f);
      fake_quantize(std::span(values).subspan(offset), quantizer(), out);
      for (std::size_t i = 0; i < size; ++i) {
        const float expected = reference_fake_quantize(values[i + offset], reference);
        ASSERT_EQ(std::bit_cast<std::uint32_t>(out[i]), std::bit_cast<std::uint32_t>(expected + 0.0f))
            << values[i + offset] << " at " << i << " of " << size;
      }
    }
  }
}

TEST(FakeQuantize, InPlace) {
  const std::vector<float> values = with_specials(4097);
  std::vector<float> out(values.size());
  std::vector<float> same = values;
  fake_quantize(values, quantizer(), out);
  fake_quantize(same, quantizer(), same);
  EXPECT_EQ(same, out);
}

TEST(FakeQuantize, NaNAndZerosBecomePositiveZero) {
  for (const Rounding rounding :
       {Rounding::half_even, Rounding::half_up, Rounding::half_down, Rounding::std_round}) {
    const ElementQuantizer symmetric = element_quantizer(0.1, 0, {-128, 127}, rounding);
    std::vector<float> values = {nan_value, -0.0f, 0.0f, -0.04f, -smallest_subnormal};
    fake_quantize(values, symmetric, values);
    for (const float y : values) EXPECT_EQ(std::bit_cast<std::uint32_t>(y), 0u);
  }
}

TEST(FakeQuantize, QuantizedValuesStay) {
  std::vector<float> once = with_specials(2000);
  fake_quantize(once, quantizer(), once);
  std::vector<float> twice = once;
  fake_quantize(twice, quantizer(), twice);
  EXPECT_EQ(once, twice);
}

}  // namespace
}  // namespace qcal::testing
