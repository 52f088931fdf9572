// Fake-quantizes channel by channel.
#include "kernels/cuda_support/gpu_source.cuh"
#include "kernels/cuda_support/stream_rows.cuh"
#include "kernels/fake_quantize_cuda.h"

namespace qcal {
namespace {

struct FakeQuantizePolicy {
  static constexpr int threads = 256;
  static constexpr int blocks_a_processor = 8;
  static constexpr int least_blocks_a_processor = 4;  // up to 64 registers: none spills for a fuller processor
  static constexpr int in_flight = 4;
};

// Lane by lane: neighbours of a warp read and write neighbours, so every sector is whole.
template <class Stored, Rounding mode, StepArithmetic arithmetic>
__global__ void __launch_bounds__(FakeQuantizePolicy::threads, FakeQuantizePolicy::least_blocks_a_processor)
    fake_quantize_kernel(DeviceRows rows, Tiling tiling, const ElementQuantizer* __restrict__ quantizers, float* out) {
  constexpr int in_flight = FakeQuantizePolicy::in_flight;
  constexpr int warps_a_block = FakeQuantizePolicy::threads / warp_lanes;
  const int lane = static_cast<int>(threadIdx.x) % warp_lanes;
  const std::int64_t warps = static_cast<std::int64_t>(gridDim.x) * warps_a_block;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * warps_a_block + threadIdx.x / warp_lanes;
  for (std::int64_t channel = blockIdx.y; channel < rows.channels; channel += gridDim.y) {
    const ElementQuantizer quantizer = quantizers[channel];
    for (std::int64_t tile = first; tile < tiling.per_channel; tile += warps) {
      const std::int64_t begin = tile % tiling.per_run * tiling.length;
      const std::int64_t left = rows.inner - begin;
      const std::int64_t count = left < tiling.length ? left : tiling.length;
      const std::int64_t at =
          channel * rows.channel_stride + tile / tiling.per_run * rows.outer_stride + begin;
      const typename Stored::Bits* from = static_cast<const typename Stored::Bits*>(rows.data) + at;
      for (std::int64_t i = lane; i < count; i += in_flight * warp_lanes) {
        float x[in_flight];
#pragma unroll
        for (int u = 0; u < in_flight; ++u) {
          const std::int64_t element = i + u * warp_lanes;
          x[u] = element < count ? Stored::widened(from[element]) : 0.0f;
        }
#pragma unroll
        for (int u = 0; u < in_flight; ++u) {
          const std::int64_t element = i + u * warp_lanes;
          if (element < count) out[at + element] = fake_quantize<mode, arithmetic>(x[u], quantizer);
        }
      }
    }
  }
}

}  // namespace

void fake_quantize(const KernelContext& context, const DeviceRows& rows, const ElementQuantizer* quantizers,
                   Rounding rounding, StepArithmetic arithmetic, float* out) {
  if (rows.channels * rows.elements() == 0) return;
  using Policy = FakeQuantizePolicy;
  const TileGrid grid =
      tile_grid(rows, context.processors * Policy::blocks_a_processor, Policy::threads / warp_lanes);
  const std::string what = "fake_quantize_kernel of " + context.subject;
  ElementQuantizer kind;
  kind.rounding = rounding;
  kind.arithmetic = arithmetic;
  with_stored(rows.dtype, [&](auto stored) {
    with_quantizer_kind(kind, [&](auto mode, auto steps) {
      launch(what.c_str(), fake_quantize_kernel<decltype(stored), decltype(mode)::value, decltype(steps)::value>,
             dim3(grid.x, grid.y), dim3(Policy::threads), 0, context.stream, rows, grid.tiling, quantizers, out);
    });
  });
}

}  // namespace qcal
