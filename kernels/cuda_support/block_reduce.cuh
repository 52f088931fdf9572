// Reductions over a warp and over a block.
#pragma once

#include "kernels/cuda_support/gpu_source.cuh"
#include "kernels/cuda_support/stream_rows.cuh"

namespace qcal {

inline constexpr unsigned full_warp = 0xffffffffu;

// In every lane. `join` must be associative and commutative.
template <class Value, class Join>
__device__ __forceinline__ Value warp_reduce(Value value, const Join& join) {
#pragma unroll
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2) {
    value = join(value, __shfl_xor_sync(full_warp, value, distance));
  }
  return value;
}

// In every thread of the first warp. All threads of the block must call it, and may call it again at once.
template <int block_threads, class Value, class Join>
__device__ __forceinline__ Value block_reduce(Value value, Value identity, const Join& join) {
  constexpr int warps = block_threads / warp_lanes;
  QCAL_SHARED_ARRAY(Value, of_warps, warps);
  value = warp_reduce(value, join);
  if (threadIdx.x % warp_lanes == 0) of_warps[threadIdx.x / warp_lanes] = value;
  __syncthreads();
  if (threadIdx.x < warp_lanes) {
    value = warp_reduce(threadIdx.x < warps ? of_warps[threadIdx.x] : identity, join);
  }
  __syncthreads();
  return value;
}

struct Smaller {
  template <class Value>
  __device__ Value operator()(Value a, Value b) const {
    return b < a ? b : a;
  }
};
struct Larger {
  template <class Value>
  __device__ Value operator()(Value a, Value b) const {
    return a < b ? b : a;
  }
};
struct Sum {
  template <class Value>
  __device__ Value operator()(Value a, Value b) const {
    return a + b;
  }
};

}  // namespace qcal
