// Every call of the CUDA runtime is checked.
#pragma once

#include <cuda_runtime.h>

#include <string_view>

namespace qcal {

// Throws CudaError unless `status` is success: what was done, and what the runtime says. Clears the error, so
// that the next call does not report it again.
void check_cuda(cudaError_t status, std::string_view what);

}  // namespace qcal
