// What all collectors of a CUDA back end share: streams, staging, and the memory of batches on their way.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include "kernels/cuda_support/kernel_context.h"
#include "kernels/cuda_support/resources.h"
#include "kernels/cuda_support/staging.h"
#include "kernels/stream.h"
#include "kernels/tensor_parts.h"

namespace qcal {

// Bounds of what the back end holds. Device memory: each slot's batch, and its results (16 KiB a channel
// where there are histograms, 4 MiB where input patches are added up). Pinned host memory: the staging
// buffers, and the results again.
struct CudaLimits {
  // Of a host batch that is kept on the device whole, as float32; half as much where it must be gathered. A
  // larger one is sent twice, in pieces. A slot grows up to this as batches need it.
  std::size_t batch_bytes = std::size_t{256} << 20;
  std::size_t staging_bytes = std::size_t{4} << 20;
  int staging_buffers = 4;
};

// One batch in flight: its data where they came from the host, its results, and how far the device is.
struct BatchSlot {
  DeviceBuffer batch;
  DeviceBuffer work;  // results first, as they are copied to `results`
  PinnedBuffer results;
  Event uploaded;
  Event computed;
  Event drained;  // results are with their collector: everything here may be used again
};

class CudaDevice {
 public:
  // The calling thread's current device. Throws CudaError.
  explicit CudaDevice(const CudaLimits& limits);
  // Waits: batches in flight use the memory below, and their callbacks read it.
  ~CudaDevice();

  // Collectors enqueue a batch at a time: the members below are for the holder of the lock.
  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  // Slots take turns. The device waits until the last batch in it has been drained, the host does not.
  BatchSlot& next_slot();
  StagingRing& staging() { return staging_; }
  // Of host batches, now: less than the limit once memory ran out.
  std::size_t batch_bytes() const { return batch_bytes_; }
  // Makes room for `bytes` of a host batch in the slot. False where the device has not that much: batches are
  // smaller from now on, down to 64 KiB; then throws CudaError.
  bool reserve_batch(BatchSlot& slot, std::size_t bytes);

  cudaStream_t compute_stream() const { return compute_.get(); }
  cudaStream_t copy_stream() const { return copy_.get(); }
  cudaStream_t drain_stream() const { return drain_.get(); }
  KernelContext context(cudaStream_t stream, std::string subject) const;
  // Of kernels that read the batch: on the caller's stream, or for a host tensor without one on our own.
  KernelContext context(const TensorParts& batch, Stream stream) const;
  const std::string& name() const { return name_; }

 private:
  static constexpr std::size_t slots = 3;

  std::mutex mutex_;
  std::string name_;
  KernelContext context_;
  std::size_t batch_bytes_;
  OwnedStream compute_;
  OwnedStream copy_;
  OwnedStream drain_;
  StagingRing staging_;
  std::array<BatchSlot, slots> slots_;
  std::size_t next_ = 0;
};

}  // namespace qcal
