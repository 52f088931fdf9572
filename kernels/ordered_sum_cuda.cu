// Adds chunk sums by the fixed tree: whole subtrees in parallel, their nodes in order.
#include <algorithm>

#include "kernels/cuda_support/gpu_source.cuh"
#include "kernels/cuda_support/ordered_chunks.cuh"
#include "kernels/ordered_sum_cuda.h"

namespace qcal {
namespace {

struct TreePolicy {
  static constexpr int threads = 256;
  static constexpr int sums_a_thread = 16;
};
// Chunks of the largest node that a block adds up at once.
constexpr int node_level = 12;
constexpr std::int64_t node_chunks = std::int64_t{1} << node_level;
static_assert(node_chunks == TreePolicy::threads * TreePolicy::sums_a_thread);

// Chunks of a piece before its first node, where the piece begins with chunk `first_chunk`.
__host__ __device__ __forceinline__ std::int64_t chunks_before_nodes(std::int64_t first_chunk) {
  return (node_chunks - first_chunk % node_chunks) % node_chunks;
}

// The node that covers `count` chunk sums, a power of two up to threads * sums_a_thread; in the first thread.
__device__ __forceinline__ double node_of(const double* __restrict__ sums, int count, double* of_threads) {
  constexpr int threads = TreePolicy::threads;
  const int thread = static_cast<int>(threadIdx.x);
  const int each = count < threads ? 1 : count / threads;
  double own[TreePolicy::sums_a_thread] = {};
  if (thread * each < count) {
#pragma unroll
    for (int i = 0; i < TreePolicy::sums_a_thread; ++i) {
      if (i < each) own[i] = sums[thread * each + i];
    }
#pragma unroll
    for (int step = 1; step < TreePolicy::sums_a_thread; step *= 2) {
#pragma unroll
      for (int i = 0; i + step < TreePolicy::sums_a_thread; i += 2 * step) {
        if (step < each) own[i] = own[i] + own[i + step];
      }
    }
  }
  of_threads[thread] = own[0];
  const int nodes = count < threads ? count : threads;
  for (int step = 1; step < nodes; step *= 2) {
    __syncthreads();
    const int at = 2 * step * thread;
    if (at + step < nodes) of_threads[at] = of_threads[at] + of_threads[at + step];
  }
  __syncthreads();
  return of_threads[0];
}

// Block (b, n) leaves the node of its chunk sums in place of the first of them.
__global__ void __launch_bounds__(TreePolicy::threads)
    node_kernel(double* __restrict__ chunk_sums, std::int64_t chunks, std::int64_t first_chunk) {
  QCAL_SHARED_ARRAY(double, of_threads, TreePolicy::threads);
  double* const sums = chunk_sums + static_cast<std::int64_t>(blockIdx.x) * chunks +
                       chunks_before_nodes(first_chunk) + blockIdx.y * node_chunks;
  const double node = node_of(sums, static_cast<int>(node_chunks), of_threads);
  if (threadIdx.x == 0) sums[0] = node;
}

// Block b adds the chunk sums of one term of a channel to its tree, those of whole nodes by node_kernel()'s.
__global__ void __launch_bounds__(TreePolicy::threads)
    tree_kernel(const double* __restrict__ chunk_sums, std::int64_t chunks, std::int64_t complete,
                std::int64_t first_chunk, OrderedTree* __restrict__ trees, double* __restrict__ totals) {
  QCAL_SHARED_ARRAY(double, of_threads, TreePolicy::threads);
  const double* const sums = chunk_sums + static_cast<std::int64_t>(blockIdx.x) * chunks;
  OrderedTree& tree = trees[blockIdx.x];
  std::int64_t at = 0;
  while (at < complete) {
    if ((first_chunk + at) % node_chunks == 0 && at + node_chunks <= complete) {
      const std::int64_t left = (complete - at) / node_chunks;
      const int nodes = static_cast<int>(left < TreePolicy::threads ? left : TreePolicy::threads);
      const int thread = static_cast<int>(threadIdx.x);
      if (thread < nodes) of_threads[thread] = sums[at + thread * node_chunks];
      __syncthreads();
      for (int i = 0; i < nodes && thread == 0; ++i) tree.add(of_threads[i], node_level);
      __syncthreads();
      at += nodes * node_chunks;
      continue;
    }
    int level = 0;
    int size = 1;
    while ((first_chunk + at) % (2 * size) == 0 && at + 2 * size <= complete) {
      size *= 2;
      ++level;
    }
    const double node = node_of(sums + at, size, of_threads);
    if (threadIdx.x == 0) tree.add(node, level);
    __syncthreads();  // the next node uses the same shared memory
    at += size;
  }
  if (totals != nullptr && threadIdx.x == 0) totals[blockIdx.x] = tree.total();
}

}  // namespace

OrderedSumState OrderedSumState::from(std::int64_t channel, int terms) const {
  const std::int64_t lanes = channel * terms * ordered_sum_lanes;
  return {open + lanes, next_open + lanes, trees + channel * terms, chunk_sums};
}

std::int64_t chunks_of(const DeviceRows& rows, const PieceOfChannel& piece) {
  if (rows.elements() == 0) return 0;
  return (piece.offset + rows.elements() - 1) / ordered_sum_chunk - piece.offset / ordered_sum_chunk + 1;
}

dim3 chunk_blocks(const DeviceRows& rows, const PieceOfChannel& piece) {
  using Policy = ChunkPolicy;
  const std::int64_t chunks = chunks_of(rows, piece);
  return dim3(static_cast<unsigned>((chunks + Policy::chunks_a_block - 1) / Policy::chunks_a_block),
              static_cast<unsigned>(std::min(rows.channels, most_channels_at_once)));
}

bool loads_four(const DeviceRows& rows, const PieceOfChannel& piece) {
  const auto bytes = static_cast<std::uintptr_t>(4 * size_of(rows.dtype));
  const bool runs = rows.outer == 1 || (rows.inner % 4 == 0 && rows.outer_stride % 4 == 0);
  const bool channels = rows.channels == 1 || rows.channel_stride % 4 == 0;
  return runs && channels && piece.offset % 4 == 0 && reinterpret_cast<std::uintptr_t>(rows.data) % bytes == 0;
}

void add_chunk_sums(const KernelContext& context, const DeviceRows& rows, const PieceOfChannel& piece, int terms,
                    const OrderedSumState& state, double* totals) {
  const std::int64_t chunks = chunks_of(rows, piece);
  const std::int64_t piece_end = piece.offset + rows.elements();
  const bool last = piece_end == piece.total;
  const bool ends_open = !last && piece_end % ordered_sum_chunk != 0;
  const std::int64_t first_chunk = piece.offset / ordered_sum_chunk;
  const std::int64_t complete = chunks - (ends_open ? 1 : 0);
  const std::int64_t nodes = (complete - chunks_before_nodes(first_chunk)) / node_chunks;
  if (nodes > 0) {
    launch(("node_kernel of " + context.subject).c_str(), node_kernel,
           dim3(static_cast<unsigned>(rows.channels * terms), static_cast<unsigned>(nodes)),
           dim3(TreePolicy::threads), 0, context.stream, state.chunk_sums, chunks, first_chunk);
  }
  launch(("tree_kernel of " + context.subject).c_str(), tree_kernel,
         dim3(static_cast<unsigned>(rows.channels * terms)), dim3(TreePolicy::threads), 0, context.stream,
         static_cast<const double*>(state.chunk_sums), chunks, complete, first_chunk, state.trees,
         last ? totals : nullptr);
  if (!ends_open) return;
  const auto lanes = static_cast<std::size_t>(rows.channels * terms * ordered_sum_lanes);
  check_cuda(cudaMemcpyAsync(state.open, state.next_open, lanes * sizeof(float), cudaMemcpyDeviceToDevice,
                             context.stream),
             "keeping open chunks of " + context.subject);
}

}  // namespace qcal
