// Counts values into bins: in registers where activations pile up, in shared memory elsewhere.
#include <algorithm>

#include "kernels/cuda_support/block_reduce.cuh"
#include "kernels/cuda_support/counters.cuh"
#include "kernels/cuda_support/device_binner.cuh"
#include "kernels/histogram_cuda.h"

namespace qcal {
namespace {

// Copies of the bins, one for every so many lanes of a warp, keep lanes off each other's counters; as many as
// let three blocks share a processor.
struct HistogramPolicy {
  static constexpr int threads = 256;
  static constexpr int blocks_a_processor = 3;
  static constexpr int most_copies = 8;
};

// Where real activations pile up: at 0 behind a ReLU, in the first and the last bin where they were clipped or
// are constant. A counter each in registers costs no collisions.
struct PiledUp {
  std::uint32_t zeros = 0;
  std::uint32_t firsts = 0;
  std::uint32_t lasts = 0;
  int zero_bin = no_bin;
};

__global__ void plan_kernel(const DeviceRange* __restrict__ ranges, std::int64_t channels, std::uint64_t elements,
                            BinRule rule, Counted counted, BinPlan* __restrict__ plans) {
  const std::int64_t channel = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (channel < channels) plans[channel] = bin_plan(value_range(ranges[channel], elements), rule, counted);
}

// Counts the block's share of a channel, among whose bins that of 0 is: in `shared`, which has a counter for each bin and copy, those of one
// bin together, and in `piled_up`.
template <class Stored, class Binner>
__device__ __forceinline__ void count_shared(const DeviceRows& rows, const Tiling& tiling, std::int64_t channel,
                                             const Binner& bin_of, int bins, int copies, std::uint32_t* shared,
                                             PiledUp& piled_up) {
  const int zero_bin = bin_of(0.0f);
  const int last_bin = bins - 1;
  std::uint32_t* const own = shared + (static_cast<int>(threadIdx.x) & (copies - 1));
  stream_channel<Stored>(rows, tiling, channel, [&](typename Stored::Bits bits) {
    const int bin = bin_of(Stored::widened(bits));
    const bool is_zero = bin == zero_bin;
    const bool is_first = bin == 0;
    const bool is_last = bin == last_bin;
    piled_up.zeros += is_zero ? 1u : 0u;
    piled_up.firsts += is_first ? 1u : 0u;
    piled_up.lasts += is_last ? 1u : 0u;
    const bool is_inside = static_cast<unsigned>(bin) < static_cast<unsigned>(bins);
    if (is_inside && !(is_zero || is_first || is_last)) atomicAdd(&own[bin * copies], 1u);
  });
  piled_up.zero_bin = zero_bin;
  if (zero_bin == 0 || last_bin == 0) piled_up.firsts = 0;  // the same bin
  if (zero_bin == last_bin) piled_up.lasts = 0;
}

// `copies` is a power of two; shared memory holds a counter for each of them and of most_bins.
template <class Stored>
__global__ void __launch_bounds__(HistogramPolicy::threads, HistogramPolicy::blocks_a_processor)
    count_kernel(DeviceRows rows, Tiling tiling, const BinPlan* __restrict__ plans, std::int64_t most_bins,
                 int copies, std::uint64_t* __restrict__ counts) {
  constexpr int threads = HistogramPolicy::threads;
  QCAL_DYNAMIC_SHARED(std::uint32_t, shared);
  for (std::int64_t channel = blockIdx.y; channel < rows.channels; channel += gridDim.y) {
    const BinPlan plan = plans[channel];
    if (plan.bins == 0) continue;  // for all threads of the block alike
    for (int i = static_cast<int>(threadIdx.x); i < plan.bins * copies; i += threads) shared[i] = 0;
    __syncthreads();

    PiledUp piled_up;
    with_binner(plan, [&](const auto& bin_of) {
      count_shared<Stored>(rows, tiling, channel, bin_of, plan.bins, copies, shared, piled_up);
    });
    piled_up.zeros = block_reduce<threads>(piled_up.zeros, 0u, Sum{});
    piled_up.firsts = block_reduce<threads>(piled_up.firsts, 0u, Sum{});
    piled_up.lasts = block_reduce<threads>(piled_up.lasts, 0u, Sum{});

    std::uint64_t* const out = counts + channel * most_bins;
    if (threadIdx.x == 0) {
      if (piled_up.zeros > 0) add_count(&out[piled_up.zero_bin], piled_up.zeros);
      if (piled_up.firsts > 0) add_count(&out[0], piled_up.firsts);
      if (piled_up.lasts > 0) add_count(&out[plan.bins - 1], piled_up.lasts);
    }
    for (int bin = static_cast<int>(threadIdx.x); bin < plan.bins; bin += threads) {
      std::uint32_t count = 0;
      for (int i = 0; i < copies; ++i) count += shared[bin * copies + i];
      if (count > 0) add_count(&out[bin], count);
    }
    __syncthreads();  // the next channel clears the counters
  }
}

// For more bins than shared memory holds, which vai_q_pytorch's growing histograms may need.
template <class Stored>
__global__ void __launch_bounds__(HistogramPolicy::threads)
    count_wide_kernel(DeviceRows rows, Tiling tiling, const BinPlan* __restrict__ plans, std::int64_t most_bins,
                      std::uint64_t* __restrict__ counts) {
  for (std::int64_t channel = blockIdx.y; channel < rows.channels; channel += gridDim.y) {
    const BinPlan plan = plans[channel];
    with_binner(plan, [&](const auto& bin_of) {
      stream_channel<Stored>(rows, tiling, channel, [&](typename Stored::Bits bits) {
        const int bin = bin_of(Stored::widened(bits));
        if (static_cast<unsigned>(bin) < static_cast<unsigned>(plan.bins)) {
          add_count(&counts[channel * most_bins + bin], 1);
        }
      });
    });
  }
}

// Copies of so many bins that leave room for other blocks; 0 where there is room for none.
int copies_in(std::size_t shared_bytes, std::int64_t bins) {
  const std::size_t one = static_cast<std::size_t>(bins) * sizeof(std::uint32_t);
  if (one > shared_bytes) return 0;
  int copies = 1;
  while (copies < HistogramPolicy::most_copies &&
         2 * one * static_cast<std::size_t>(copies) <= shared_bytes / HistogramPolicy::blocks_a_processor) {
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
  constexpr int threads = HistogramPolicy::threads;
  const int copies = copies_in(context.shared_bytes, most_bins);
  const std::size_t shared_bytes = static_cast<std::size_t>(copies * most_bins) * sizeof(std::uint32_t);
  const auto run = [&](const char* name, auto kernel, auto... more) {
    const std::string what = std::string(name) + " of " + context.subject;
    const std::int64_t blocks = resident_blocks(what.c_str(), kernel, context.processors, threads, shared_bytes);
    const TileGrid grid = tile_grid(rows, blocks, threads / warp_lanes);
    launch(what.c_str(), kernel, dim3(grid.x, grid.y), dim3(threads), shared_bytes, context.stream, rows,
           grid.tiling, plans, most_bins, more..., counts);
  };
  with_stored(rows.dtype, [&](auto stored) {
    using Stored = decltype(stored);
    copies > 0 ? run("count_kernel", count_kernel<Stored>, copies)
               : run("count_wide_kernel", count_wide_kernel<Stored>);
  });
}

}  // namespace qcal
