#include "kernels/cuda_support/resources.h"

#include <string>

#include "kernels/cuda_support/check.h"

namespace qcal {

struct DeviceSpace {
  static constexpr const char* name = " bytes of device memory";
  static cudaError_t allocate(void** memory, std::size_t bytes) { return cudaMalloc(memory, bytes); }
  static cudaError_t release(void* memory) { return cudaFree(memory); }
};

struct PinnedSpace {
  static constexpr const char* name = " bytes of pinned host memory";
  static cudaError_t allocate(void** memory, std::size_t bytes) { return cudaMallocHost(memory, bytes); }
  static cudaError_t release(void* memory) { return cudaFreeHost(memory); }
};

// Destructors cannot report; a failure to free shows at the next checked call.
template <class Space>
GrowingBuffer<Space>::~GrowingBuffer() {
  Space::release(data_);
}

template <class Space>
void GrowingBuffer<Space>::reserve(std::size_t bytes) {
  if (bytes <= bytes_) return;
  std::byte* const freed = data_;
  const std::size_t freed_bytes = bytes_;
  data_ = nullptr;
  bytes_ = 0;
  check_cuda(Space::release(freed), "freeing " + std::to_string(freed_bytes) + Space::name);
  void* memory = nullptr;
  check_cuda(Space::allocate(&memory, bytes), "allocating " + std::to_string(bytes) + Space::name);
  data_ = static_cast<std::byte*>(memory);
  bytes_ = bytes;
}

template class GrowingBuffer<DeviceSpace>;
template class GrowingBuffer<PinnedSpace>;

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
