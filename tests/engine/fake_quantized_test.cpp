// Whole tensors as their quantized form would read, against the naive reference.
#include "engine/collect/fake_quantized.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "engine/collect/tensor_spec.h"
#include "tests/reference/reference_quantize.h"
#include "tests/reference/test_data.h"
#include "tests/support/refusal.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Extents = std::vector<std::int64_t>;

TensorParameters parameters_of(std::vector<double> scale, std::vector<std::int64_t> zero_point,
                               std::optional<int> axis) {
  TensorParameters parameters;
  parameters.name = "x";
  parameters.qmin = -128;
  parameters.qmax = 127;
  parameters.scale = std::move(scale);
  parameters.zero_point = std::move(zero_point);
  parameters.axis = axis;
  if (axis) parameters.granularity = Granularity::per_channel;
  return parameters;
}

float reference(float x, const TensorParameters& parameters, std::size_t channel) {
  return reference_fake_quantize(x, {static_cast<float>(parameters.scale[channel]),
                                     parameters.zero_point[channel],
                                     {parameters.qmin, parameters.qmax},
                                     rounding_of(parameters.round_mode)});
}

TEST(FakeQuantizeTensor, IsTheReferenceForEveryRoundModeAndAcrossBlocks) {
  const std::vector<float> values = samples(Shape::outlier, 200'000, 3);
  std::vector<float> out(values.size());
  for (const RoundMode mode :
       {RoundMode::half_even, RoundMode::half_up, RoundMode::half_down, RoundMode::std_round}) {
    TensorParameters parameters = parameters_of({0.01}, {3}, std::nullopt);
    parameters.round_mode = mode;
    fake_quantize_tensor({values.data(), DType::f32, {400, 500}, Memory::host, {}}, parameters,
                         Compatibility::standard, out);
    for (std::size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], reference(values[i], parameters, 0)) << i;
  }
}

TEST(FakeQuantizeTensor, ChannelsLieAlongTheirAxisFromEitherEnd) {
  const std::vector<float> values = samples(Shape::normal, 2 * 3 * 5, 4);
  std::vector<float> out(values.size());
  const auto check = [&](int axis, std::size_t channels, const auto& channel_of) {
    const TensorParameters parameters =
        parameters_of(channels == 3 ? std::vector{0.02, 0.5, 0.003} : std::vector{0.1, 0.2, 0.3, 0.4, 0.5},
                      std::vector<std::int64_t>(channels, 0), axis);
    fake_quantize_tensor({values.data(), DType::f32, {2, 3, 5}, Memory::host, {}}, parameters,
                         Compatibility::standard, out);
    for (std::size_t i = 0; i < out.size(); ++i)
      ASSERT_EQ(out[i], reference(values[i], parameters, channel_of(i))) << i;
  };
  const auto middle = [](std::size_t i) { return i / 5 % 3; };
  const auto last = [](std::size_t i) { return i % 5; };
  check(1, 3, middle);
  check(-2, 3, middle);
  check(2, 5, last);
  check(-1, 5, last);
}

TEST(FakeQuantizeTensor, ReadsAnyStridesAndWritesCOrder) {
  const std::vector<float> values = samples(Shape::normal, 12, 5);
  std::vector<float> out(values.size());
  const TensorParameters parameters = parameters_of({0.02}, {0}, std::nullopt);
  fake_quantize_tensor({values.data(), DType::f32, {4, 3}, Memory::host, {1, 4}}, parameters,
                       Compatibility::standard, out);
  for (std::size_t i = 0; i < out.size(); ++i)
    EXPECT_EQ(out[i], reference(values[i % 3 * 4 + i / 3], parameters, 0));
}

TEST(FakeQuantizeTensor, NamesTheTensorInWhatItRefuses) {
  const std::vector<float> values(6, 1.0F);
  std::vector<float> out(6);
  const auto refused = [&](const TensorParameters& parameters, const Extents& shape, Memory memory) {
    return refusal([&] {
      fake_quantize_tensor({values.data(), DType::f32, shape, memory, {}}, parameters,
                           Compatibility::standard, out);
    });
  };
  EXPECT_THAT(refused(parameters_of({}, {}, std::nullopt), {6}, Memory::host),
              AllOf(HasSubstr("\"x\""), HasSubstr("stays float")));
  EXPECT_THAT(refused(parameters_of({1, 2}, {0, 0}, 0), {6}, Memory::host),
              HasSubstr("axis 0 has 6 channels, and there are 2 scales"));
  EXPECT_THAT(refused(parameters_of({1}, {0}, std::nullopt), {6}, Memory::device),
              HasSubstr("device memory"));
}

}  // namespace
}  // namespace qcal::testing
