// The CPU back end's sums of input patches.
#pragma once

#include <memory>

#include "kernels/patch_sums.h"

namespace qcal {

// One read of the batch, in the calling thread.
std::unique_ptr<PatchSums> make_cpu_patch_sums();

}  // namespace qcal
