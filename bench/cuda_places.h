// The CUDA back end in quant_bench, where this build has one.
#pragma once

#include <memory>
#include <vector>

#include "bench/benches.h"

namespace qcal::bench {

// "cuda": tensors in device memory, timed by the device's clock with nothing of them in its caches.
// "cuda_from_host": host tensors end to end, until the results are on the host. None in builds without CUDA.
std::vector<std::shared_ptr<Place>> cuda_places();

// Each kernel alone, which collectors run one after another. `place` is the first of cuda_places().
void register_cuda_kernels(const BenchOptions& options, const std::shared_ptr<Place>& place);

}  // namespace qcal::bench
