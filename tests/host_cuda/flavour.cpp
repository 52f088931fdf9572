#include "tests/host_cuda/flavour.h"

namespace host_cuda {

std::string_view flavour() {
  return QCAL_HOST_CUDA_FLAVOUR;
}

}  // namespace host_cuda
