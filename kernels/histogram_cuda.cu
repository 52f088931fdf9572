// Counts values into bins: in registers where activations pile up, in shared memory elsewhere.
#include <algorithm>

#include "kernels/cuda_support/block_reduce.cuh"
#include "kernels/cuda_support/counters.cuh"
#include "kernels/histogram_cuda.h"

namespace qcal {
namespace {

// Copies of the bins, one for every so many lanes of a warp, keep lanes off each other's counters; as many as
// let two blocks share a processor.
struct HistogramPolicy {
  static constexpr int threads = 512;
  static constexpr int blocks_a_processor = 4;
  static constexpr int most_copies = 8;
};

// Where real activations pile up: at 0 behind a ReLU, in the first and the last bin where they were clipped or
// are constant. A counter each in registers costs no collisions.
struct PiledUp {
  std::uint32_t zeros = 0;
  std::uint32_t firsts = 0;
  std::uint32_t lasts = 0;
};

__global__ void plan_kernel(const DeviceRange* __restrict__ ranges, std::int64_t channels, std::uint64_t elements,
                            BinRule rule, Counted counted, BinPlan* __restrict__ plans) {
  const std::int64_t channel = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (channel < channels) plans[channel] = bin_plan(value_range(ranges[channel], elements), rule, counted);
}

// `copies` is a power of two; shared memory holds copies * histogram_bins counters, those of one bin together.
template <class Stored>
__global__ void __launch_bounds__(HistogramPolicy::threads)
    count_kernel(DeviceRows rows, Tiling tiling, const BinPlan* __restrict__ plans, std::int64_t most_bins,
                 int copies, std::uint64_t* __restrict__ counts) {
  constexpr int threads = HistogramPolicy::threads;
  QCAL_DYNAMIC_SHARED(std::uint32_t, shared);
  for (std::int64_t channel = blockIdx.y; channel < rows.channels; channel += gridDim.y) {
    const BinPlan plan = plans[channel];
    if (plan.bins == 0) continue;  // for all threads of the block alike
    for (int i = static_cast<int>(threadIdx.x); i < plan.bins * copies; i += threads) shared[i] = 0;
    __syncthreads();

    const PlannedBinner bin_of(plan);
    const int zero_bin = bin_of(0.0f);
    const int last_bin = plan.bins - 1;
    const int copy = static_cast<int>(threadIdx.x) & (copies - 1);
    PiledUp piled_up;
    stream_channel<Stored>(rows, tiling, channel, [&](typename Stored::Bits bits) {
      const int bin = bin_of(Stored::widened(bits));
      if (bin == zero_bin) {
        ++piled_up.zeros;
      } else if (bin == last_bin) {
        ++piled_up.lasts;
      } else if (bin == 0) {
        ++piled_up.firsts;
      } else if (bin != no_bin) {
        atomicAdd(&shared[bin * copies + copy], 1u);
      }
    });
    piled_up.zeros = block_reduce<threads>(piled_up.zeros, 0u, Sum{});
    piled_up.firsts = block_reduce<threads>(piled_up.firsts, 0u, Sum{});
    piled_up.lasts = block_reduce<threads>(piled_up.lasts, 0u, Sum{});

    std::uint64_t* const out = counts + channel * most_bins;
    if (threadIdx.x == 0) {
      if (piled_up.zeros > 0) add_count(&out[zero_bin], piled_up.zeros);
      if (piled_up.firsts > 0) add_count(&out[0], piled_up.firsts);
      if (piled_up.lasts > 0) add_count(&out[last_bin], piled_up.lasts);
    }
    for (int bin = static_cast<int>(threadIdx.x); bin < plan.bins; bin += threads) {
      std::uint32_t count = 0;
      for (int i = 0; i < copies; ++i) count += shared[bin * copies + i];
      if (count > 0) add_count(&out[bin], count);
    }
    __syncthreads();  // the next channel clears the counters
  }
}

// For more bins than shared memory holds, which vai_q_pytorch's growing histograms need.
template <class Stored>
__global__ void __launch_bounds__(HistogramPolicy::threads)
    count_wide_kernel(DeviceRows rows, Tiling tiling, const BinPlan* __restrict__ plans, std::int64_t most_bins,
                      std::uint64_t* __restrict__ counts) {
  for (std::int64_t channel = blockIdx.y; channel < rows.channels; channel += gridDim.y) {
    const PlannedBinner bin_of(plans[channel]);
    stream_channel<Stored>(rows, tiling, channel, [&](typename Stored::Bits bits) {
      const int bin = bin_of(Stored::widened(bits));
      if (bin != no_bin) add_count(&counts[channel * most_bins + bin], 1);
    });
  }
}

int copies_in(std::size_t shared_bytes) {
  constexpr std::size_t one = histogram_bins * sizeof(std::uint32_t);
  int copies = 1;
  while (copies < HistogramPolicy::most_copies && 2 * one * static_cast<std::size_t>(copies) <= shared_bytes / 2) {
    copies *= 2;
  }
  return copies;
}

}  // namespace

void plan_bins(const KernelContext& context, const DeviceRange* ranges, std::int64_t channels,
               std::uint64_t elements, BinRule rule, Counted counted, BinPlan* plans) {
  if (channels == 0) return;
  constexpr unsigned threads = 64;
  const auto blocks = static_cast<unsigned>((channels + threads - 1) / threads);
  launch(("plan_kernel of " + context.subject).c_str(), plan_kernel, dim3(blocks), dim3(threads), 0, context.stream,
         ranges, channels, elements, rule, counted, plans);
}

void count_bins(const KernelContext& context, const DeviceRows& rows, const BinPlan* plans,
                std::int64_t most_bins, std::uint64_t* counts) {
  if (rows.channels * rows.elements() == 0) return;
  using Policy = HistogramPolicy;
  const TileGrid grid =
      tile_grid(rows, context.processors * Policy::blocks_a_processor, Policy::threads / warp_lanes);
  const dim3 blocks(grid.x, grid.y);
  const dim3 threads(Policy::threads);
  const int copies = copies_in(context.shared_bytes);
  const std::size_t shared_bytes = static_cast<std::size_t>(copies) * histogram_bins * sizeof(std::uint32_t);
  with_stored(rows.dtype, [&](auto stored) {
    using Stored = decltype(stored);
    if (most_bins > histogram_bins) {
      launch(("count_wide_kernel of " + context.subject).c_str(), count_wide_kernel<Stored>, blocks, threads, 0,
             context.stream, rows, grid.tiling, plans, most_bins, counts);
    } else {
      launch(("count_kernel of " + context.subject).c_str(), count_kernel<Stored>, blocks, threads, shared_bytes,
             context.stream, rows, grid.tiling, plans, most_bins, copies, counts);
    }
  });
}

}  // namespace qcal
