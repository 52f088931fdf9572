// The CUDA back end's sums of input patches.
#pragma once

#include <memory>

#include "kernels/cuda_device.h"
#include "kernels/patch_sums.h"

namespace qcal {

// float32 without gaps is read where it is. Anything else becomes that on its way, in pieces of half of
// CudaLimits::batch_bytes, or of two rows where that is more. Device memory besides: in each slot 4 MiB of
// sums at most (see patch_work_bytes()); of each layer three numbers a sum, and the lists of its window.
std::unique_ptr<PatchSums> make_cuda_patch_sums(std::shared_ptr<CudaDevice> device);

}  // namespace qcal
