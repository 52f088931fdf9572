// Host tensors on their way to the device, through a ring of pinned buffers.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "kernels/cuda_support/resources.h"
#include "kernels/tensor_view.h"

namespace qcal {

// What a host tensor becomes on the device: itself where it lies in C order without gaps and is not float64,
// else float32.
DType staged_dtype(const TensorView& view);

class StagingRing {
 public:
  // `buffers` of at most `bytes` each. Where the system does not give that much pinned memory, smaller ones
  // do, down to 64 KiB; throws CudaError where not even those are to be had.
  StagingRing(int buffers, std::size_t bytes);

  // Copies a host tensor to `to` (device memory) in C order, as staged_dtype() or float32.
  // Enqueued on `stream`; the view may go once this returns. The host waits where all buffers are on their
  // way.
  void upload(const TensorView& view, DType as, std::byte* to, cudaStream_t stream);

  std::size_t buffer_bytes() const { return buffer_bytes_; }

 private:
  struct Buffer {
    PinnedBuffer memory;
    Event copied;
  };

  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::size_t buffer_bytes_ = 0;
  std::size_t next_ = 0;
};

}  // namespace qcal
