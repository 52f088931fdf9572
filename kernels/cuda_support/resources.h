// What the CUDA back end owns on the device: memory, streams, events. Each frees itself.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace qcal {

// Device memory that grows and never shrinks.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer();

  // At least `bytes`. Growing drops the contents, which no pending work may use. Throws CudaError; the buffer
  // is then empty.
  void reserve(std::size_t bytes);
  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void release();

  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// Host memory that the device copies from and to directly. Likewise.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  PinnedBuffer(const PinnedBuffer&) = delete;
  PinnedBuffer& operator=(const PinnedBuffer&) = delete;
  ~PinnedBuffer();

  void reserve(std::size_t bytes);
  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void release();

  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

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
