// Range and moments in one pass, in the ordered sum's order.
#include "kernels/cuda_support/block_reduce.cuh"
#include "kernels/cuda_support/counters.cuh"
#include "kernels/cuda_support/ordered_chunks.cuh"
#include "kernels/moments_cuda.h"

namespace qcal {
namespace {

struct MomentsPolicy {
  using Rows = std::integral_constant<int, 4>;  // in flight
};

// What one thread sees of a channel's range.
struct SeenRange {
  float low = std::numeric_limits<float>::infinity();
  float high = -std::numeric_limits<float>::infinity();
  std::uint32_t non_finite = 0;
};

// Merges what a warp has seen; all of its lanes take part.
__device__ __forceinline__ void merge_warp(const SeenRange& seen, DeviceRange& range) {
  const bool any = seen.low <= seen.high;
  const std::uint32_t highest = warp_reduce(any ? ordered_bits(seen.high) : 0u, Larger{});
  const std::uint32_t lowest = warp_reduce(any ? ~ordered_bits(seen.low) : 0u, Larger{});
  const std::uint32_t non_finite = warp_reduce(seen.non_finite, Sum{});
  if (threadIdx.x % warp_lanes != 0) return;
  if (highest > 0) {
    atomicMax(&range.highest, highest);
    atomicMax(&range.lowest, lowest);
  }
  if (non_finite > 0) add_count(&range.non_finite, non_finite);
}

template <class Stored>
__global__ void __launch_bounds__(ChunkPolicy::threads)
    moments_kernel(DeviceRows rows, PieceOfChannel piece, std::int64_t chunks, bool vectors,
                   OrderedSumState state, DeviceRange* __restrict__ ranges) {
  sum_chunks<Stored, moment_terms>(
      rows, piece, chunks, vectors, state,
      [&](std::int64_t channel, LaneSums<moment_terms>& sums, const auto& visit) {
        SeenRange seen;
        visit(MomentsPolicy::Rows{}, [&](const LaneRow& row) {
#pragma unroll
          for (int lane = 0; lane < ChunkPolicy::lanes_a_thread; ++lane) {
            const float x = row.x[lane];
            add_moments(x, sums[0][lane], sums[1][lane]);
            const bool finite = row.inside[lane] && is_finite(x);
            const float counted = finite ? x : std::numeric_limits<float>::quiet_NaN();  // which both pass over
            seen.low = fminf(seen.low, counted);
            seen.high = fmaxf(seen.high, counted);
            seen.non_finite += row.inside[lane] && !finite ? 1u : 0u;
          }
        });
        merge_warp(seen, ranges[channel]);
      });
}

}  // namespace

void gather_moments(const KernelContext& context, const DeviceRows& rows, const PieceOfChannel& piece,
                    const OrderedSumState& state, DeviceRange* ranges, Moments* totals) {
  const std::int64_t chunks = chunks_of(rows, piece);
  if (rows.channels * chunks == 0) return;
  const std::string what = "moments_kernel of " + context.subject;
  with_stored(rows.dtype, [&](auto stored) {
    launch(what.c_str(), moments_kernel<decltype(stored)>, chunk_blocks(rows, piece), dim3(ChunkPolicy::threads), 0,
           context.stream, rows, piece, chunks, loads_four(rows, piece), state, ranges);
  });
  add_chunk_sums(context, rows, piece, moment_terms, state, &totals->sum);
}

}  // namespace qcal
