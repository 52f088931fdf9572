// In builds without CUDA.
#include "bench/cuda_places.h"

namespace qcal::bench {

std::vector<std::shared_ptr<Place>> cuda_places() {
  return {};
}

void register_cuda_kernels(const BenchOptions&, const std::shared_ptr<Place>&) {}

}  // namespace qcal::bench
