// Does not compile for the CPU, and says why.
#include <cuda_runtime.h>

__global__ void nvcc_only(int* out) {
  __shared__ int values[32];
  values[threadIdx.x] = 0;
  out[threadIdx.x] = values[threadIdx.x];
}
