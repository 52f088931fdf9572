// Kernels that nvcc_gates.py must refuse, each for a reason of its own.
#include <cuda_runtime.h>

// More live values than a thread of 1024 has registers for.
__global__ void __launch_bounds__(1024) spilling_kernel(const float* values, float* out) {
  constexpr int count = 200;
  float held[count];
#pragma unroll
  for (int i = 0; i < count; ++i) held[i] = values[i * 1024 + static_cast<int>(threadIdx.x)];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < count; ++i) out[i * 1024 + static_cast<int>(threadIdx.x)] = held[count - 1 - i];
}

__global__ void contracted_kernel(const float* values, float* out) {
  out[threadIdx.x] = __fmaf_rn(values[0], values[1], values[2]);
}

__global__ void approximate_kernel(const float* values, float* out) {
  out[threadIdx.x] = __fdividef(values[0], values[1]);
}

// The name of a kernel that streams.
template <class Value>
__global__ void range_kernel(const Value* values, Value* out) {
  out[threadIdx.x] = values[threadIdx.x];
}
template __global__ void range_kernel<float>(const float*, float*);
