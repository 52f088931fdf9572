#include "tests/host_cuda/samples/sample_kernels.h"

#include <cstdint>

#include "kernels/cuda_support/gpu_source.cuh"

namespace qcal::samples {
namespace {

constexpr int block_threads = 128;
constexpr int block_warps = block_threads / 32;
constexpr unsigned all_lanes = 0xffffffffu;

template <class T, class Operation>
__device__ T reduce_warp(T value, Operation operation) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value = operation(value, __shfl_down_sync(all_lanes, value, distance));
  }
  return value;
}

// The result is thread 0's.
template <class T, class Operation>
__device__ T reduce_block(T value, T identity, Operation operation) {
  QCAL_SHARED_ARRAY(T, partial, block_warps);
  const unsigned warp = threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  value = reduce_warp(value, operation);
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  if (warp == 0) value = reduce_warp(lane < block_warps ? partial[lane] : identity, operation);
  return value;
}

struct Add {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

struct Larger {
  __device__ unsigned operator()(unsigned a, unsigned b) const { return a < b ? b : a; }
};

// Calls visit(value) once for each of the grid's values.
template <class Visit>
__device__ void for_each_value(const unsigned* values, std::size_t count, Visit visit) {
  const std::size_t rank = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::size_t ranks = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  const std::size_t to_boundary =
      (16 - reinterpret_cast<std::uintptr_t>(values) % 16) % 16 / sizeof(unsigned);
  const std::size_t head = to_boundary < count ? to_boundary : count;
  const std::size_t vectors = (count - head) / 4;
  const uint4* const aligned = reinterpret_cast<const uint4*>(values + head);
  for (std::size_t i = rank; i < head; i += ranks) visit(values[i]);
  for (std::size_t i = rank; i < vectors; i += ranks) {
    const uint4 four = __ldcs(aligned + i);
    visit(four.x);
    visit(four.y);
    visit(four.z);
    visit(four.w);
  }
  for (std::size_t i = head + vectors * 4 + rank; i < count; i += ranks) visit(values[i]);
}

__global__ void __launch_bounds__(block_threads)
    sum_kernel(const unsigned* __restrict__ values, std::size_t count, unsigned long long* __restrict__ sum) {
  unsigned long long mine = 0;
  for_each_value(values, count, [&](unsigned value) { mine += value; });
  mine = reduce_block(mine, 0ull, Add{});
  if (threadIdx.x == 0) atomicAdd(sum, mine);
}

__global__ void __launch_bounds__(block_threads)
    histogram_kernel(const unsigned* __restrict__ values, std::size_t count,
                     unsigned* __restrict__ histogram) {
  QCAL_DYNAMIC_SHARED(unsigned, bins);
  for (int bin = threadIdx.x; bin < histogram_bins; bin += block_threads) bins[bin] = 0;
  __syncthreads();
  for_each_value(values, count, [&](unsigned value) { atomicAdd(&bins[value % histogram_bins], 1u); });
  __syncthreads();
  for (int bin = threadIdx.x; bin < histogram_bins; bin += block_threads)
    atomicAdd(&histogram[bin], bins[bin]);
}

// The last block to arrive combines what the others left.
__global__ void __launch_bounds__(block_threads)
    largest_kernel(const unsigned* __restrict__ values, std::size_t count, unsigned* partial,
                   unsigned* arrived, unsigned* result) {
  QCAL_SHARED_ARRAY(bool, is_last, 1);
  unsigned mine = 0;
  for_each_value(values, count, [&](unsigned value) { mine = Larger{}(mine, value); });
  mine = reduce_block(mine, 0u, Larger{});
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = mine;
    __threadfence();
    is_last[0] = atomicInc(arrived, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (!is_last[0]) return;
  mine = 0;
  for (unsigned block = threadIdx.x; block < gridDim.x; block += block_threads)
    mine = Larger{}(mine, partial[block]);
  mine = reduce_block(mine, 0u, Larger{});
  if (threadIdx.x == 0) *result = mine;
}

}  // namespace

void add_values(const unsigned* values, std::size_t count, unsigned long long* sum, int blocks,
                cudaStream_t stream) {
  launch("sum_kernel", sum_kernel, blocks, block_threads, 0, stream, values, count, sum);
}

void add_histogram(const unsigned* values, std::size_t count, unsigned* histogram, int blocks,
                   cudaStream_t stream) {
  launch("histogram_kernel", histogram_kernel, blocks, block_threads, histogram_bins * sizeof(unsigned),
         stream, values, count, histogram);
}

void find_largest(const unsigned* values, std::size_t count, unsigned* partial, unsigned* arrived,
                  unsigned* result, int blocks, cudaStream_t stream) {
  launch("largest_kernel", largest_kernel, blocks, block_threads, 0, stream, values, count, partial, arrived,
         result);
}

}  // namespace qcal::samples
