// Histograms of raw 16-bit patterns, and what follows from them.
#include "kernels/cuda_support/block_reduce.cuh"
#include "kernels/cuda_support/counters.cuh"
#include "kernels/raw_histogram_cuda.h"

namespace qcal {
namespace {

struct PatternPolicy {
  static constexpr int threads = 256;
  static constexpr int blocks_a_processor = 8;
};

__device__ __forceinline__ float widened(unsigned pattern, DType dtype) {
  const auto bits = static_cast<std::uint16_t>(pattern);
  return dtype == DType::f16 ? float16_to_float(bits) : bfloat16_to_float(bits);
}

// 65536 counters are more than a block's shared memory, and the second-level cache adds as fast as patterns
// differ. A thread keeps the pattern it saw last and zeros in registers: runs of one value, and what a ReLU
// leaves, cost one addition.
template <class Stored>
__global__ void __launch_bounds__(PatternPolicy::threads)
    pattern_kernel(DeviceRows rows, Tiling tiling, std::uint64_t* __restrict__ counts) {
  for (std::int64_t channel = blockIdx.y; channel < rows.channels; channel += gridDim.y) {
    std::uint32_t zeros = 0;
    std::uint32_t last = 0;
    std::uint32_t repeats = 0;
    stream_channel<Stored>(rows, tiling, channel, [&](typename Stored::Bits bits) {
      if (bits == 0) {
        ++zeros;
      } else if (bits == last) {
        ++repeats;
      } else {
        if (repeats > 0) add_count(&counts[last], repeats);
        last = bits;
        repeats = 1;
      }
    });
    if (repeats > 0) add_count(&counts[last], repeats);
    zeros = block_reduce<PatternPolicy::threads>(zeros, 0u, Sum{});
    if (threadIdx.x == 0 && zeros > 0) add_count(&counts[0], zeros);
  }
}

__global__ void __launch_bounds__(PatternPolicy::threads)
    pattern_range_kernel(const std::uint64_t* __restrict__ patterns, DType dtype, DeviceRange* __restrict__ range) {
  const unsigned pattern = blockIdx.x * blockDim.x + threadIdx.x;
  const std::uint64_t count = patterns[pattern];
  if (count == 0) return;
  const float x = widened(pattern, dtype);
  if (is_finite(x)) {
    atomicMax(&range->highest, ordered_bits(x));
    atomicMax(&range->lowest, ~ordered_bits(x));
  } else {
    add_count(&range->non_finite, count);
  }
}

__global__ void __launch_bounds__(PatternPolicy::threads)
    pattern_bins_kernel(const std::uint64_t* __restrict__ patterns, DType dtype, const BinPlan* __restrict__ plan,
                        std::uint64_t* __restrict__ counts) {
  const unsigned pattern = blockIdx.x * blockDim.x + threadIdx.x;
  const std::uint64_t count = patterns[pattern];
  if (count == 0 || plan->bins == 0) return;
  const int bin = PlannedBinner(*plan)(widened(pattern, dtype));
  if (bin != no_bin) add_count(&counts[bin], count);
}

}  // namespace

void count_patterns(const KernelContext& context, const DeviceRows& rows, std::uint64_t* counts) {
  if (rows.channels * rows.elements() == 0) return;
  using Policy = PatternPolicy;
  const TileGrid grid =
      tile_grid(rows, context.processors * Policy::blocks_a_processor, Policy::threads / warp_lanes);
  const std::string what = "pattern_kernel of " + context.subject;
  const auto run = [&](auto kernel) {
    launch(what.c_str(), kernel, dim3(grid.x, grid.y), dim3(Policy::threads), 0, context.stream, rows, grid.tiling,
           counts);
  };
  rows.dtype == DType::f16 ? run(pattern_kernel<StoredF16>) : run(pattern_kernel<StoredBF16>);
}

void range_of_patterns(const KernelContext& context, const std::uint64_t* patterns, DType dtype, DeviceRange* range) {
  launch(("pattern_range_kernel of " + context.subject).c_str(), pattern_range_kernel,
         dim3(raw_patterns / PatternPolicy::threads), dim3(PatternPolicy::threads), 0, context.stream, patterns, dtype,
         range);
}

void bins_of_patterns(const KernelContext& context, const std::uint64_t* patterns, DType dtype, const BinPlan* plan,
                      std::uint64_t* counts) {
  launch(("pattern_bins_kernel of " + context.subject).c_str(), pattern_bins_kernel,
         dim3(raw_patterns / PatternPolicy::threads), dim3(PatternPolicy::threads), 0, context.stream, patterns, dtype,
         plan, counts);
}

}  // namespace qcal
