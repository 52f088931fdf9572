// The *_math.h headers compiled for the device give the host's bits. Label gpu: skips, with the reason, where no
// device answers; compiling it is what shows that the headers are device code.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <vector>

#include "kernels/candidate_scales_math.h"
#include "kernels/exact_division_math.h"
#include "kernels/half_math.h"
#include "kernels/histogram_math.h"
#include "kernels/ordered_sum_math.h"

namespace qcal {
namespace {

constexpr int outputs = 17;

// One value through every header; doubles hold each result exactly.
QCAL_HOST_DEVICE inline void through_every_header(float x, double* out) {
  int at = 0;
  for (const Rounding mode : {Rounding::half_even, Rounding::half_up, Rounding::half_down, Rounding::std_round}) {
    ElementQuantizer quantizer;
    quantizer.scale = 0.37f;
    quantizer.step_factor = 0.37f;
    quantizer.lowest = -128.0f;
    quantizer.highest = 127.0f;
    quantizer.rounding = mode;
    out[at++] = with_quantizer_kind(quantizer, [&](auto rounding, auto arithmetic) {
      return fake_quantize<rounding.value, arithmetic.value>(x, quantizer);
    });
  }
  out[at++] = linear_bin(x, linear_bins(-3.0f, 5.0f));
  out[at++] = static_cast<double>(dyadic_bin(x, exact_power_of_two(7)));
  out[at++] = dyadic_exponent(-x * x, x * x);
  out[at++] = search_log(static_cast<double>(x * x) + 1e-300);
  out[at++] = vitis_top_fix_pos(-x * x, x, 8);
  out[at++] = covering_power_of_two(static_cast<double>(x * x) + 1e-9);
  const std::uint16_t pattern = static_cast<std::uint16_t>(static_cast<int>(x * 100.0f) & 0x7bff);
  out[at++] = float16_to_float(pattern);
  out[at++] = bfloat16_to_float(pattern);
  float lanes[ordered_sum_lanes];
  for (int lane = 0; lane < ordered_sum_lanes; ++lane) lanes[lane] = x * static_cast<float>(lane + 1);
  OrderedTree tree;
  for (int chunk = 0; chunk < 5; ++chunk) tree.add(add_lanes(lanes) / (chunk + 1));
  out[at++] = tree.total();
  CandidateSpec spec;
  spec.rule = CandidateRule::halving;
  spec.symmetric = false;
  spec.range = {0, 255};
  ValueRange range;
  range.min = -x * x;
  range.max = 2.0f;
  range.elements = 1;
  const Candidate candidate = candidate_scale(spec, range, 2);
  out[at++] = candidate.scale;
  out[at++] = static_cast<double>(candidate.zero_point);
  out[at++] = is_finite(x) ? 1.0 : 0.0;
  out[at++] = quotient(x, exact_divisor(0.37f)) + 0.0f;
}

__global__ void run_on_device(const float* values, std::int64_t count, double* out) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < count) through_every_header(values[i], out + i * outputs);
}

TEST(DeviceMath, SameBitsAsTheHost) {
  int devices = 0;
  if (const cudaError_t status = cudaGetDeviceCount(&devices); status != cudaSuccess || devices == 0) {
    GTEST_SKIP() << "no CUDA device: " << cudaGetErrorString(status);
  }
  std::vector<float> values;
  for (int i = -4000; i <= 4000; ++i) values.push_back(static_cast<float>(i) * 0.01f);
  for (int i = -200; i <= 200; ++i) values.push_back((static_cast<float>(i) + 0.5f) * 0.37f);
  const auto count = static_cast<std::int64_t>(values.size());
  std::vector<double> expected(values.size() * outputs);
  for (std::int64_t i = 0; i < count; ++i) through_every_header(values[i], expected.data() + i * outputs);

  float* device_values = nullptr;
  double* device_out = nullptr;
  ASSERT_EQ(cudaMalloc(&device_values, values.size() * sizeof(float)), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&device_out, expected.size() * sizeof(double)), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(device_values, values.data(), values.size() * sizeof(float), cudaMemcpyHostToDevice),
            cudaSuccess);
  run_on_device<<<static_cast<unsigned>((count + 127) / 128), 128>>>(device_values, count, device_out);
  ASSERT_EQ(cudaGetLastError(), cudaSuccess);
  std::vector<double> found(expected.size());
  ASSERT_EQ(cudaMemcpy(found.data(), device_out, found.size() * sizeof(double), cudaMemcpyDeviceToHost), cudaSuccess);
  cudaFree(device_values);
  cudaFree(device_out);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint64_t>(found[i]), std::bit_cast<std::uint64_t>(expected[i]))
        << "value " << values[i / outputs] << ", output " << i % outputs;
  }
}

}  // namespace
}  // namespace qcal
