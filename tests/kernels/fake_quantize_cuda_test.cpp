// Fake-quantize on the device gives the CPU's bits, element for element.
#include "kernels/fake_quantize_cuda.h"

#include <gtest/gtest.h>

#include <bit>

#include "kernels/channel_layout.h"
#include "kernels/fake_quantize.h"
#include "kernels/gather_rows_cuda.h"
#include "tests/reference/test_data.h"
#include "tests/support/device_tensor.h"
#include "tests/support/typed_tensor.h"

namespace qcal::testing {
namespace {

constexpr Rounding roundings[] = {Rounding::half_even, Rounding::half_up, Rounding::half_down,
                                  Rounding::std_round};

// One for each channel, of different scales and zero points.
std::vector<ElementQuantizer> quantizers(std::size_t channels, Rounding rounding, StepArithmetic arithmetic) {
  std::vector<ElementQuantizer> all;
  for (std::size_t c = 0; c < channels; ++c) {
    const double scale = 0.03125 * static_cast<double>(c + 1);
    const auto zero_point = static_cast<std::int64_t>(c % 3) * 10;
    all.push_back(arithmetic == StepArithmetic::divide
                      ? element_quantizer(scale, zero_point, {-128, 127}, rounding)
                      : vitis_element_quantizer(scale, zero_point, {-128, 127}, rounding, false));
  }
  return all;
}

template <class Value>
const Value* on_device(DeviceBuffer& buffer, const std::vector<Value>& values) {
  buffer.reserve(values.size() * sizeof(Value));
  check_cuda(cudaMemcpy(buffer.data(), values.data(), values.size() * sizeof(Value), cudaMemcpyHostToDevice),
             "copying a test's values");
  return reinterpret_cast<const Value*>(buffer.data());
}

std::vector<float> quantized_on_device(const TypedTensor& tensor, std::optional<int> axis,
                                       const std::vector<ElementQuantizer>& each, std::size_t offset) {
  const DeviceTensor input(tensor.view(), offset);
  const DeviceRows rows = direct_rows(input.view(), channel_layout(input.view(), axis)).value();
  std::vector<float> out(tensor.values().size());
  DeviceBuffer parameters;
  DeviceBuffer output;
  output.reserve(out.size() * sizeof(float));
  fake_quantize({}, rows, on_device(parameters, each), each[0].rounding, each[0].arithmetic,
                reinterpret_cast<float*>(output.data()));
  check_cuda(cudaMemcpy(out.data(), output.data(), out.size() * sizeof(float), cudaMemcpyDeviceToHost),
             "copying a test's result");
  return out;
}

// Values that lie half-way between two steps of every channel, and such that are not finite.
std::vector<float> awkward(std::size_t count) {
  std::vector<float> values = samples(Shape::normal, count, count, 3.0);
  for (std::size_t i = 0; i < count; i += 3) values[i] = (static_cast<float>(i % 41) - 20.5f) * 0.03125f;
  if (count > 8) {
    values[1] = nan_value;
    values[4] = infinity;
    values[7] = -0.0f;
  }
  return values;
}

struct Case {
  std::vector<std::int64_t> shape;
  std::optional<int> axis;
  std::size_t channels;
};

TEST(FakeQuantizeCuda, GivesTheCpusBits) {
  const Case cases[] = {
      {{1}, {}, 1}, {{1'000}, {}, 1}, {{20'001}, {}, 1}, {{2, 3, 100}, 1, 3}, {{5, 77}, 0, 5}};
  for (const Case& c : cases) {
    std::size_t count = 1;
    for (const std::int64_t extent : c.shape) count *= static_cast<std::size_t>(extent);
    const std::size_t inner = static_cast<std::size_t>(c.shape.back());
    for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
      const TypedTensor tensor(awkward(count), c.shape, dtype);
      for (const Rounding rounding : roundings) {
        for (const StepArithmetic arithmetic : {StepArithmetic::divide, StepArithmetic::multiply}) {
          const auto each = quantizers(c.channels, rounding, arithmetic);
          for (const std::size_t offset : {std::size_t{0}, 3 * size_of(dtype)}) {
            const std::vector<float> found = quantized_on_device(tensor, c.axis, each, offset);
            for (std::size_t i = 0; i < count; ++i) {
              const std::size_t channel = c.axis ? i / inner % c.channels : 0;
              float expected = 0.0f;
              fake_quantize(std::span(&tensor.values()[i], 1), each[channel], std::span(&expected, 1));
              ASSERT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(expected))
                  << "element " << i << " of " << count << ": " << tensor.values()[i];
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace qcal::testing
