#include "tests/host_cuda/samples/faulty_kernels.h"

#include "kernels/cuda_support/gpu_source.cuh"

namespace qcal::samples {
namespace {

constexpr unsigned all_lanes = 0xffffffffu;
constexpr unsigned half_of_lanes = 0x0000ffffu;

// ---- barriers ----

template <bool faulty>
__global__ void barrier_in_branch(const unsigned* in, unsigned* out) {
  if (!faulty || threadIdx.x < 100) __syncthreads();
  out[threadIdx.x] = in[threadIdx.x];
}

template <bool faulty>
__global__ void exit_before_barrier(const unsigned* in, unsigned* out) {
  if (faulty && threadIdx.x == 100) return;
  __syncthreads();
  out[threadIdx.x] = in[threadIdx.x];
}

template <bool faulty>
__global__ void two_barriers(const unsigned*, unsigned*) {
  if (!faulty || threadIdx.x < 64) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

template <bool faulty>
__global__ void circle_of_masks(const unsigned*, unsigned*) {
  // Lane 0 waits for 1, 1 for 2, 2 for 0.
  if (threadIdx.x < 3) __syncwarp(faulty ? (1u << threadIdx.x) | (1u << (threadIdx.x + 1) % 3) : 7u);
  __syncthreads();
}

// ---- warps ----

template <bool faulty>
__global__ void mask_without_caller(const unsigned* in, unsigned* out) {
  out[threadIdx.x] = __shfl_xor_sync(faulty ? half_of_lanes : all_lanes, in[threadIdx.x], 1);
}

template <bool faulty>
__global__ void mask_of_absent_lanes(const unsigned* in, unsigned* out) {
  const unsigned mask = faulty || threadIdx.x < 32 ? all_lanes : 0xffu;  // the second warp has 8 lanes
  out[threadIdx.x] = __shfl_xor_sync(mask, in[threadIdx.x], 1);
}

template <bool faulty>
__global__ void mask_of_a_branch(const unsigned* in, unsigned* out) {
  unsigned value = in[threadIdx.x];
  if (!faulty || threadIdx.x < 40) value = __shfl_down_sync(all_lanes, value, 1);
  out[threadIdx.x] = value;
}

template <bool faulty>
__global__ void source_outside_mask(const unsigned* in, unsigned* out) {
  if (threadIdx.x % 32 >= 16) return;
  out[threadIdx.x] = __shfl_sync(half_of_lanes, in[threadIdx.x], faulty ? 20 : 10);
}

template <bool faulty>
__global__ void two_operations(const unsigned* in, unsigned* out) {
  unsigned value = in[threadIdx.x];
  if (faulty && threadIdx.x % 32 == 3) {
    value = __ballot_sync(all_lanes, 1);
  } else {
    value = __shfl_xor_sync(all_lanes, value, 1);
  }
  out[threadIdx.x] = value;
}

template <bool faulty>
__global__ void shuffle_width(const unsigned* in, unsigned* out) {
  out[threadIdx.x] = __shfl_xor_sync(all_lanes, in[threadIdx.x], 1, faulty ? 12 : 16);
}

// ---- races ----

template <bool faulty>
__global__ void no_barrier_between(const unsigned* in, unsigned* out) {
  QCAL_SHARED_ARRAY(unsigned, values, faulty_threads);
  values[threadIdx.x] = 0;
  __syncthreads();
  values[threadIdx.x] = in[threadIdx.x];
  if (!faulty) __syncthreads();
  out[threadIdx.x] = values[faulty_threads - 1 - threadIdx.x];
}

template <bool faulty>
__global__ void no_barrier_before_reuse(const unsigned* in, unsigned* out) {
  QCAL_SHARED_ARRAY(unsigned, value, 1);
  unsigned sum = 0;
  for (unsigned round = 0; round < 3; ++round) {
    if (threadIdx.x == round) value[0] = in[round];
    __syncthreads();
    sum += value[0];
    if (!faulty) __syncthreads();
  }
  out[threadIdx.x] = sum;
}

template <bool faulty>
__global__ void no_warp_barrier(const unsigned* in, unsigned* out) {
  QCAL_SHARED_ARRAY(unsigned, values, faulty_threads);
  values[threadIdx.x] = 0;
  __syncwarp();
  values[threadIdx.x] = in[threadIdx.x];
  if (!faulty) __syncwarp();
  out[threadIdx.x] = values[threadIdx.x ^ 1];
}

template <bool faulty>
__global__ void plain_shared_update(const unsigned* in, unsigned* out) {
  QCAL_SHARED_ARRAY(unsigned, bins, 8);
  if (threadIdx.x < 8) bins[threadIdx.x] = 0;
  __syncthreads();
  if (faulty) {
    bins[in[threadIdx.x] % 8] += 1;
  } else {
    atomicAdd(&bins[in[threadIdx.x] % 8], 1u);
  }
  __syncthreads();
  if (threadIdx.x < 8) out[threadIdx.x] = bins[threadIdx.x];
}

template <bool faulty>
__global__ void plain_device_update(const unsigned* in, unsigned* out) {
  if (threadIdx.x != 0) return;
  if (faulty) {
    out[0] += in[0];
  } else {
    atomicAdd(&out[0], in[0]);
  }
}

template <bool faulty>
__global__ void last_block_without_fence(const unsigned* in, unsigned* out) {
  QCAL_SHARED_ARRAY(bool, is_last, 1);
  if (threadIdx.x == 0) {
    out[8 + blockIdx.x] = in[blockIdx.x];
    if (!faulty) __threadfence();
    is_last[0] = atomicAdd(&out[0], 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (is_last[0] && threadIdx.x < gridDim.x) out[64 + threadIdx.x] = out[8 + threadIdx.x];
}

// ---- memory ----

template <bool faulty>
__global__ void beyond_static_shared(const unsigned* in, unsigned* out) {
  QCAL_SHARED_ARRAY(unsigned, values, faulty_threads);
  values[threadIdx.x + (faulty ? 1 : 0)] = in[threadIdx.x];
  out[threadIdx.x] = in[threadIdx.x];
}

template <bool faulty>
__global__ void beyond_dynamic_shared(const unsigned* in, unsigned* out) {
  QCAL_DYNAMIC_SHARED(unsigned, values);
  values[threadIdx.x + (faulty ? 1 : 0)] = in[threadIdx.x];
  out[threadIdx.x] = in[threadIdx.x];
}

template <bool faulty>
__global__ void beyond_device_memory(const unsigned* in, unsigned* out) {
  out[threadIdx.x] = in[threadIdx.x + (faulty ? faulty_threads : 0)];
}

template <bool faulty>
__global__ void unwritten_shared(const unsigned* in, unsigned* out) {
  QCAL_SHARED_ARRAY(unsigned, values, faulty_threads);
  if (!faulty || threadIdx.x != 77) values[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x ^ 1];
}

template <bool faulty>
__global__ void misaligned_load(const unsigned* in, unsigned* out) {
  const uint4* vectors = reinterpret_cast<const uint4*>(in + (faulty ? 1 : 0));
  if (threadIdx.x < 8) out[threadIdx.x] = __ldcs(vectors + threadIdx.x).w;
}

template <bool faulty>
__global__ void misaligned_pointer(const unsigned* in, unsigned* out) {
  const uint4* vectors = reinterpret_cast<const uint4*>(in + (faulty ? 1 : 0));
  if (threadIdx.x < 8) out[threadIdx.x] = vectors[threadIdx.x].x;
}

template <bool faulty>
__global__ void conversion_out_of_range(const unsigned* in, unsigned* out) {
  const float large = static_cast<float>(in[threadIdx.x] + 1) * 1e30f;
  out[threadIdx.x] = static_cast<unsigned>(faulty ? static_cast<int>(large) : __float2int_rz(large));
}

template <bool faulty>
__global__ void too_much_shared(const unsigned*, unsigned*) {
  QCAL_SHARED_ARRAY(unsigned, values, faulty ? 8 * 1024 : 4 * 1024);
  QCAL_DYNAMIC_SHARED(unsigned, more);
  values[threadIdx.x] = 0;
  more[threadIdx.x] = 0;
}

}  // namespace

const std::vector<FaultyKernel>& faulty_kernels() {
#define QCAL_FAULTY(kernel) .name = #kernel, .faulty = kernel<true>, .correct = kernel<false>
  static const std::vector<FaultyKernel> all = {
      {QCAL_FAULTY(barrier_in_branch)},
      {QCAL_FAULTY(exit_before_barrier)},
      {QCAL_FAULTY(two_barriers)},
      {QCAL_FAULTY(circle_of_masks)},
      {QCAL_FAULTY(mask_without_caller)},
      {QCAL_FAULTY(mask_of_absent_lanes), .threads = 40},
      {QCAL_FAULTY(mask_of_a_branch)},
      {QCAL_FAULTY(source_outside_mask)},
      {QCAL_FAULTY(two_operations)},
      {QCAL_FAULTY(shuffle_width)},
      {QCAL_FAULTY(no_barrier_between)},
      {QCAL_FAULTY(no_barrier_before_reuse)},
      {QCAL_FAULTY(no_warp_barrier)},
      {QCAL_FAULTY(plain_shared_update)},
      {QCAL_FAULTY(plain_device_update), .blocks = 2},
      {QCAL_FAULTY(last_block_without_fence), .blocks = 4},
      {QCAL_FAULTY(beyond_static_shared)},
      {QCAL_FAULTY(beyond_dynamic_shared), .shared_bytes = faulty_threads * sizeof(unsigned)},
      {QCAL_FAULTY(beyond_device_memory)},
      {QCAL_FAULTY(unwritten_shared)},
      {QCAL_FAULTY(misaligned_load)},
      {QCAL_FAULTY(misaligned_pointer)},
      {QCAL_FAULTY(conversion_out_of_range)},
      {QCAL_FAULTY(too_much_shared), .shared_bytes = 24 * 1024},
  };
#undef QCAL_FAULTY
  return all;
}

void launch_faulty(const FaultyKernel& kernel, bool faulty, const unsigned* in, unsigned* out) {
  launch(kernel.name.c_str(), faulty ? kernel.faulty : kernel.correct, kernel.blocks, kernel.threads,
         kernel.shared_bytes, nullptr, in, out);
}

}  // namespace qcal::samples
