// A device stream, without the device's headers.
#pragma once

namespace qcal {

// Where a device tensor's values are ready and its kernels run; null is CUDA's default stream. For host
// tensors null means the back end's own stream. The CPU back end has none and ignores it.
struct Stream {
  void* handle = nullptr;  // cudaStream_t
};

}  // namespace qcal
