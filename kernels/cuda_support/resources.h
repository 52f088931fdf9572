// What the CUDA back end owns on the device: memory, streams, events. Each frees itself.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace qcal {

// Memory that grows and never shrinks, of a kind that `Space` allocates and frees.
template <class Space>
class GrowingBuffer {
 public:
  GrowingBuffer() = default;
  GrowingBuffer(const GrowingBuffer&) = delete;
  GrowingBuffer& operator=(const GrowingBuffer&) = delete;
  ~GrowingBuffer();

  // At least `bytes`. Growing drops the contents, which no pending work may use. Throws CudaError; the buffer
  // is then empty.
  void reserve(std::size_t bytes);
  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

struct DeviceSpace;  // device memory
struct PinnedSpace;  // host memory that the device copies from and to directly
using DeviceBuffer = GrowingBuffer<DeviceSpace>;
using PinnedBuffer = GrowingBuffer<PinnedSpace>;

// A point in a stream's work. Waiting for one that was never recorded returns at once.
class Event {
 public:
  Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();

  void record(cudaStream_t stream);
  // The host waits.
  void wait() const;
  // What is enqueued on `stream` from now on waits; the host does not.
  void hold(cudaStream_t stream) const;

 private:
  cudaEvent_t event_ = nullptr;
};

// A stream that does not synchronise with the default stream.
class OwnedStream {
 public:
  OwnedStream();
  OwnedStream(const OwnedStream&) = delete;
  OwnedStream& operator=(const OwnedStream&) = delete;
  ~OwnedStream();

  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace qcal
