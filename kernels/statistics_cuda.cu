// Minimum, maximum and count of non-finite values of each channel, in one pass.
#include "kernels/cuda_support/block_reduce.cuh"
#include "kernels/cuda_support/counters.cuh"
#include "kernels/statistics_cuda.h"

namespace qcal {
namespace {

// 256 threads and four 16-byte loads a thread keep about 128 KiB of each processor's reads in flight.
struct StatisticsPolicy {
  static constexpr int threads = 256;
};

template <class Stored>
__global__ void __launch_bounds__(StatisticsPolicy::threads)
    range_kernel(DeviceRows rows, Tiling tiling, DeviceRange* __restrict__ ranges) {
  constexpr int threads = StatisticsPolicy::threads;
  for (std::int64_t channel = blockIdx.y; channel < rows.channels; channel += gridDim.y) {
    std::uint32_t highest = 0;
    std::uint32_t lowest = 0;
    std::uint32_t non_finite = 0;
    float low = std::numeric_limits<float>::infinity();
    float high = -std::numeric_limits<float>::infinity();
    stream_channel<Stored>(rows, tiling, channel, [&](typename Stored::Bits bits) {
      const float x = Stored::widened(bits);
      const bool finite = is_finite(x);
      non_finite += finite ? 0u : 1u;
      const float seen = finite ? x : std::numeric_limits<float>::quiet_NaN();  // which both pass over
      low = fminf(low, seen);
      high = fmaxf(high, seen);
    });
    if (low <= high) {
      highest = ordered_bits(high);
      lowest = ~ordered_bits(low);
    }
    highest = block_reduce<threads>(highest, 0u, Larger{});
    lowest = block_reduce<threads>(lowest, 0u, Larger{});
    non_finite = block_reduce<threads>(non_finite, 0u, Sum{});
    if (threadIdx.x == 0) {
      if (highest > 0) {
        atomicMax(&ranges[channel].highest, highest);
        atomicMax(&ranges[channel].lowest, lowest);
      }
      if (non_finite > 0) add_count(&ranges[channel].non_finite, non_finite);
    }
  }
}

}  // namespace

void gather_ranges(const KernelContext& context, const DeviceRows& rows, DeviceRange* ranges) {
  if (rows.channels * rows.elements() == 0) return;
  constexpr int threads = StatisticsPolicy::threads;
  const std::string what = "range_kernel of " + context.subject;
  with_stored(rows.dtype, [&](auto stored) {
    const auto kernel = range_kernel<decltype(stored)>;
    const std::int64_t blocks = resident_blocks(what.c_str(), kernel, context.processors, threads, 0);
    const TileGrid grid = tile_grid(rows, blocks, threads / warp_lanes);
    launch(what.c_str(), kernel, dim3(grid.x, grid.y), dim3(threads), 0, context.stream, rows, grid.tiling, ranges);
  });
}

}  // namespace qcal
