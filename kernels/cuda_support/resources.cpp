#include "kernels/cuda_support/resources.h"

#include <string>

#include "kernels/cuda_support/check.h"

namespace qcal {

// Destructors cannot report; a failure to free shows at the next checked call.

DeviceBuffer::~DeviceBuffer() {
  cudaFree(data_);
}

void DeviceBuffer::release() {
  std::byte* const freed = data_;
  data_ = nullptr;
  bytes_ = 0;
  check_cuda(cudaFree(freed), "freeing device memory");
}

void DeviceBuffer::reserve(std::size_t bytes) {
  if (bytes <= bytes_) return;
  release();
  void* memory = nullptr;
  check_cuda(cudaMalloc(&memory, bytes), "allocating " + std::to_string(bytes) + " bytes of device memory");
  data_ = static_cast<std::byte*>(memory);
  bytes_ = bytes;
}

PinnedBuffer::~PinnedBuffer() {
  cudaFreeHost(data_);
}

void PinnedBuffer::release() {
  std::byte* const freed = data_;
  data_ = nullptr;
  bytes_ = 0;
  check_cuda(cudaFreeHost(freed), "freeing pinned host memory");
}

void PinnedBuffer::reserve(std::size_t bytes) {
  if (bytes <= bytes_) return;
  release();
  void* memory = nullptr;
  check_cuda(cudaMallocHost(&memory, bytes),
             "allocating " + std::to_string(bytes) + " bytes of pinned host memory");
  data_ = static_cast<std::byte*>(memory);
  bytes_ = bytes;
}

Event::Event() {
  check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "creating an event");
}

Event::~Event() {
  cudaEventDestroy(event_);
}

void Event::record(cudaStream_t stream) {
  check_cuda(cudaEventRecord(event_, stream), "recording an event");
}

void Event::wait() const {
  check_cuda(cudaEventSynchronize(event_), "waiting for the device");
}

void Event::hold(cudaStream_t stream) const {
  check_cuda(cudaStreamWaitEvent(stream, event_, 0), "ordering two streams");
}

OwnedStream::OwnedStream() {
  check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
}

OwnedStream::~OwnedStream() {
  cudaStreamDestroy(stream_);
}

}  // namespace qcal
