// The CUDA back end, where this build has one and a device answers.
#pragma once

#include <memory>
#include <string>

#include "kernels/backend.h"

namespace qcal {

struct CudaLimits;

struct FoundBackend {
  std::shared_ptr<const Backend> backend;  // null: none
  std::string reason;                      // why not, or which device
};

FoundBackend find_cuda_backend();

// With bounds of one's own. Throws CudaError where no device answers.
std::shared_ptr<const Backend> make_cuda_backend(const CudaLimits& limits);

}  // namespace qcal
