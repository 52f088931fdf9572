// Histograms of raw 16-bit patterns, and what follows from them.
#include <algorithm>

#include "kernels/cuda_support/block_reduce.cuh"
#include "kernels/cuda_support/counters.cuh"
#include "kernels/cuda_support/device_binner.cuh"
#include "kernels/raw_histogram_cuda.h"

namespace qcal {
namespace {

struct PatternPolicy {
  static constexpr int threads = 1024;  // one block has a processor's shared memory
  static constexpr int a_pattern_each = 256;
  static constexpr std::size_t reduction_bytes = 1024;  // of it, more than block_reduce() takes
};

__device__ __forceinline__ float widened(unsigned pattern, DType dtype) {
  const auto bits = static_cast<std::uint16_t>(pattern);
  return dtype == DType::f16 ? float16_to_float(bits) : bfloat16_to_float(bits);
}

// The patterns that a block counts in shared memory: of both signs, those below a magnitude. Larger ones, which
// hardly occur, it counts in device memory.
class SharedPatterns {
 public:
  __device__ SharedPatterns(std::uint32_t* shared, unsigned magnitudes, std::uint64_t* counts)
      : shared_(shared), magnitudes_(magnitudes), counts_(counts) {}

  __device__ __forceinline__ void add(unsigned pattern, std::uint32_t count) const {
    const unsigned magnitude = pattern & 0x7fffu;
    if (magnitude < magnitudes_) {
      atomicAdd(&shared_[magnitude + (pattern >> 15) * magnitudes_], count);
    } else {
      add_count(&counts_[pattern], count);
    }
  }
  // Where the counter of shared[i] lies in device memory.
  __device__ __forceinline__ std::uint64_t* counter(unsigned i) const {
    return &counts_[i < magnitudes_ ? i : i - magnitudes_ + 0x8000u];
  }

 private:
  std::uint32_t* shared_;
  unsigned magnitudes_;
  std::uint64_t* counts_;
};

// A thread keeps the pattern it saw last and zeros in registers: runs of one value, and what a ReLU leaves, cost
// one addition. Shared memory holds two counters for each of `magnitudes`.
template <class Stored>
__global__ void __launch_bounds__(PatternPolicy::threads)
    pattern_kernel(DeviceRows rows, Tiling tiling, unsigned magnitudes, std::uint64_t* __restrict__ counts) {
  QCAL_DYNAMIC_SHARED(std::uint32_t, shared);
  const SharedPatterns patterns(shared, magnitudes, counts);
  for (std::int64_t channel = blockIdx.y; channel < rows.channels; channel += gridDim.y) {
    for (unsigned i = threadIdx.x; i < 2 * magnitudes; i += blockDim.x) shared[i] = 0;
    __syncthreads();
    std::uint32_t zeros = 0;
    std::uint32_t last = 0;
    std::uint32_t repeats = 0;
    stream_channel<Stored>(rows, tiling, channel, [&](typename Stored::Bits bits) {
      if (bits == 0) {
        ++zeros;
      } else if (bits == last) {
        ++repeats;
      } else {
        if (repeats > 0) patterns.add(last, repeats);
        last = bits;
        repeats = 1;
      }
    });
    if (repeats > 0) patterns.add(last, repeats);
    zeros = block_reduce<PatternPolicy::threads>(zeros, 0u, Sum{});
    if (threadIdx.x == 0 && zeros > 0) patterns.add(0, zeros);
    __syncthreads();
    for (unsigned i = threadIdx.x; i < 2 * magnitudes; i += blockDim.x) {
      if (shared[i] > 0) add_count(patterns.counter(i), shared[i]);
    }
    __syncthreads();  // the next channel clears the counters
  }
}

__global__ void __launch_bounds__(PatternPolicy::a_pattern_each)
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

__global__ void __launch_bounds__(PatternPolicy::a_pattern_each)
    pattern_bins_kernel(const std::uint64_t* __restrict__ patterns, DType dtype, const BinPlan* __restrict__ plan,
                        std::uint64_t* __restrict__ counts) {
  const unsigned pattern = blockIdx.x * blockDim.x + threadIdx.x;
  const std::uint64_t count = patterns[pattern];
  if (count == 0 || plan->bins == 0) return;
  with_binner(*plan, [&](const auto& bin_of) {
    const int bin = bin_of(widened(pattern, dtype));
    if (static_cast<unsigned>(bin) < static_cast<unsigned>(plan->bins)) add_count(&counts[bin], count);
  });
}

}  // namespace

void count_patterns(const KernelContext& context, const DeviceRows& rows, std::uint64_t* counts) {
  if (rows.channels * rows.elements() == 0) return;
  constexpr int threads = PatternPolicy::threads;
  const auto magnitudes = static_cast<unsigned>(std::min<std::size_t>(
      raw_patterns / 2, (context.shared_bytes - PatternPolicy::reduction_bytes) / (2 * sizeof(std::uint32_t))));
  const std::size_t shared_bytes = 2 * magnitudes * sizeof(std::uint32_t);
  const TileGrid grid = tile_grid(rows, context.processors, threads / warp_lanes);
  const std::string what = "pattern_kernel of " + context.subject;
  const auto run = [&](auto kernel) {
    launch(what.c_str(), kernel, dim3(grid.x, grid.y), dim3(threads), shared_bytes, context.stream, rows,
           grid.tiling, magnitudes, counts);
  };
  rows.dtype == DType::f16 ? run(pattern_kernel<StoredF16>) : run(pattern_kernel<StoredBF16>);
}

void range_of_patterns(const KernelContext& context, const std::uint64_t* patterns, DType dtype, DeviceRange* range) {
  launch(("pattern_range_kernel of " + context.subject).c_str(), pattern_range_kernel,
         dim3(raw_patterns / PatternPolicy::a_pattern_each), dim3(PatternPolicy::a_pattern_each), 0, context.stream, patterns, dtype,
         range);
}

void bins_of_patterns(const KernelContext& context, const std::uint64_t* patterns, DType dtype, const BinPlan* plan,
                      std::uint64_t* counts) {
  launch(("pattern_bins_kernel of " + context.subject).c_str(), pattern_bins_kernel,
         dim3(raw_patterns / PatternPolicy::a_pattern_each), dim3(PatternPolicy::a_pattern_each), 0, context.stream, patterns, dtype,
         plan, counts);
}

}  // namespace qcal
