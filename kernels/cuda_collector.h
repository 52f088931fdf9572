// The CUDA back end's collector.
#pragma once

#include <memory>

#include "kernels/collector.h"
#include "kernels/cuda_device.h"

namespace qcal {

// Each batch goes through the device in stream order: ranges, then bins and candidates planned from them
// there, then counts and errors, then the copy of the results, which a host callback adds to what was
// gathered. Throws InvalidArgument for a spec that accumulates squared errors.
std::unique_ptr<Collector> make_cuda_collector(const CollectSpec& spec, std::shared_ptr<CudaDevice> device);

}  // namespace qcal
