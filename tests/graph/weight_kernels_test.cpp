#include "engine/graph/weight_kernels.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace qcal {
namespace {

struct Case {
  std::string name;
  int channel_axis;
  std::int64_t group;
  Shape weights;
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

// Output and input channel of the weight at these coordinates, as ONNX defines the operators.
std::pair<std::size_t, std::size_t> channels_of(const Case& one, const Shape& at) {
  const std::int64_t rows_of_group = one.weights[0] / one.group;
  const std::int64_t other = at[0] / rows_of_group * one.weights[1] + at[1];
  if (one.channel_axis == 0) return {at[0], other};
  if (one.channel_axis == 1) return {other, at[0]};
  std::int64_t row = 0;  // a MatMul's matrices are stacked
  for (std::size_t axis = 0; axis + 1 < at.size(); ++axis) row = row * one.weights[axis] + at[axis];
  return {at.back(), row};
}

class WeightKernelsOf : public ::testing::TestWithParam<Case> {};

TEST_P(WeightKernelsOf, HaveEveryWeightOnceInOrderBetweenItsChannels) {
  const Case& one = GetParam();
  const WeightKernels kernels({.weights = "w",
                               .bias = "",
                               .channel_axis = one.channel_axis,
                               .group = one.group,
                               .weights_shape = one.weights});
  Shape at(one.weights.size(), 0);
  std::size_t next = 0, seen = 0;
  const auto visit = [&](const WeightKernel& kernel) {
    EXPECT_EQ(kernel.first, next);
    EXPECT_LT(kernel.input, kernels.inputs());
    ++seen;
    for (; next < kernel.first + kernel.size; ++next) {
      EXPECT_EQ(std::pair(kernel.output, kernel.input), channels_of(one, at)) << next;
      for (std::size_t axis = at.size(); axis-- > 0 && ++at[axis] == one.weights[axis];) at[axis] = 0;
    }
  };
  kernels.for_each(visit);
  EXPECT_EQ(at, Shape(at.size(), 0));  // after the last one
  EXPECT_EQ(seen, kernels.count());

  std::size_t single = 0;
  kernels.of_single_weights().for_each([&](const WeightKernel& kernel) {
    EXPECT_EQ(kernel.first, single++);
    EXPECT_EQ(kernel.size, 1U);
  });
  EXPECT_EQ(single, kernels.count());
}

INSTANTIATE_TEST_SUITE_P(
    Layers, WeightKernelsOf,
    ::testing::Values(Case{"conv", 0, 1, {4, 3, 2, 3}}, Case{"pointwise", 0, 1, {4, 3, 1, 1}},
                      Case{"grouped", 0, 2, {4, 3, 5}}, Case{"depthwise", 0, 4, {4, 1, 3, 3}},
                      Case{"transposed", 1, 1, {4, 3, 2}}, Case{"grouped_transposed", 1, 2, {4, 3, 2}},
                      Case{"gemm", 1, 1, {4, 3}}, Case{"gemm_of_rows", 0, 1, {4, 3}},
                      Case{"stacked_matrices", 2, 1, {2, 4, 3}}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace qcal
