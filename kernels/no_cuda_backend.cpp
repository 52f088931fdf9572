// Stands in for the CUDA back end in builds without a CUDA toolkit.
#include "kernels/cuda_backend.h"

namespace qcal {

FoundBackend find_cuda_backend() {
  return {nullptr, "this build has no CUDA back end"};
}

}  // namespace qcal
