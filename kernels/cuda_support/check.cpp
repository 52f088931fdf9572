#include "kernels/cuda_support/check.h"

#include <string>

#include "kernels/error.h"

namespace qcal {

void check_cuda(cudaError_t status, std::string_view what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  throw CudaError("CUDA: " + std::string(what) + ": " + cudaGetErrorString(status) + " (" +
                  cudaGetErrorName(status) + ")");
}

}  // namespace qcal
