// What a launch needs to know besides its data.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace qcal {

struct KernelContext {
  cudaStream_t stream = nullptr;
  std::int64_t processors = 1;       // streaming multiprocessors of the device
  std::size_t shared_bytes = 49152;  // of shared memory that one block can have
  std::string subject;               // of error messages: which tensor, of what size
};

}  // namespace qcal
