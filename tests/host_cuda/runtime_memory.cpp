// The runtime API's memory functions.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tests/host_cuda/device.h"
#include "tests/host_cuda/sanitizers.h"

using host_cuda::Device;
using host_cuda::Lock;
using host_cuda::runtime_call;

namespace {

// Unwritten memory must not look right: NaN, a large number, or a small one, as floats.
int garbage(Device& device) {
  constexpr int bytes[] = {0xcb, 0xff, 0x35};
  return device.options.seed == 0 ? bytes[0] : bytes[device.random.below(3)];
}

// Adds to the bytes in use if they stay within the limit.
bool reserve(std::size_t& used, std::size_t& peak, std::size_t bytes, std::size_t limit) {
  if (used > limit || bytes > limit - used) return false;
  used += bytes;
  peak = std::max(peak, used);
  return true;
}

// One copy, its ends told apart by where they are.
struct Copy {
  void* to;
  const void* from;
  std::size_t bytes;
  bool to_device;
  bool from_device;
};

// Whether the ends are what `kind` says, and lie in one block of memory each.
bool is_valid(const Device& device, const Copy& copy, cudaMemcpyKind kind) {
  if (copy.to == nullptr || copy.from == nullptr) return false;
  if (copy.to_device && !device.device_memory.contain(copy.to, copy.bytes)) return false;
  if (copy.from_device && !device.device_memory.contain(copy.from, copy.bytes)) return false;
  const int direction = (copy.to_device ? 1 : 0) + (copy.from_device ? 2 : 0);
  return kind == cudaMemcpyDefault || static_cast<int>(kind) == direction;
}

void run(const Copy& copy) {
  std::memmove(copy.to, copy.from, copy.bytes);
  if (copy.to_device && host_cuda::checker() != nullptr) host_cuda::checker()->written(copy.to, copy.bytes);
}

// The host's end is pageable: the runtime stages the source at once, and waits for the destination.
bool is_pageable(const Device& device, const void* host, std::size_t bytes) {
  return !device.pinned_memory.contain(host, bytes);
}

void enqueue_copy(Device& device, const std::shared_ptr<host_cuda::Queue>& queue, const Copy& copy) {
  host_cuda::Work work;
  work.run = [copy] { run(copy); };
  if (!copy.from_device && is_pageable(device, copy.from, copy.bytes)) {
    const char* begin = static_cast<const char*>(copy.from);
    work.run = [copy = Copy(copy), staged = std::vector<char>(begin, begin + copy.bytes)]() mutable {
      copy.from = staged.data();
      run(copy);
    };
  } else if (!copy.from_device) {
    work.host_source = copy.from;
    work.host_source_bytes = copy.bytes;
  }
  // From now on the host may not read the destination; what it reads is not what was there.
  if (!copy.to_device && !device.streams.may_read(copy.to, copy.bytes)) {
    std::memset(copy.to, garbage(device), copy.bytes);
  }
  device.enqueue(queue, std::move(work));
}

cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream,
                 bool wait) {
  return runtime_call([&](Device& device, Lock& lock) {
    const std::shared_ptr<host_cuda::Queue> queue = device.queue_of(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    if (bytes == 0) return cudaSuccess;
    const Copy copy{to, from, bytes, device.device_memory.contain(to, 1),
                    device.device_memory.contain(from, 1)};
    if (!is_valid(device, copy, kind)) return cudaErrorInvalidValue;
    enqueue_copy(device, queue, copy);
    const bool pageable = (!copy.to_device && is_pageable(device, to, bytes)) ||
                          (!copy.from_device && is_pageable(device, from, bytes));
    if (wait || pageable) device.wait_for(device.streams.now(queue), lock);
    return cudaSuccess;
  });
}

cudaError_t set(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return runtime_call([&](Device& device, Lock&) {
    const std::shared_ptr<host_cuda::Queue> queue = device.queue_of(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    if (bytes == 0) return cudaSuccess;
    if (!device.device_memory.contain(to, bytes)) return cudaErrorInvalidValue;
    device.enqueue(queue, {.run =
                               [to, value, bytes] {
                                 std::memset(to, value, bytes);
                                 if (host_cuda::checker() != nullptr)
                                   host_cuda::checker()->written(to, bytes);
                               },
                           .after = {}});
    return cudaSuccess;
  });
}

}  // namespace

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  return runtime_call([&](Device& device, Lock&) {
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    auto& counters = device.counters;
    if (!reserve(counters.device_bytes, counters.peak_device_bytes, bytes,
                 device.options.device_memory_bytes)) {
      return cudaErrorMemoryAllocation;
    }
    device.open_device_memory();  // the new block is closed with the others
    *pointer = host_cuda::take_memory(bytes, host_cuda::Space::device);
    if (*pointer == nullptr) return cudaErrorMemoryAllocation;
    std::memset(*pointer, garbage(device), bytes);
    device.device_memory.add(*pointer, bytes);
    return cudaSuccess;
  });
}

cudaError_t cudaFree(void* pointer) {
  return runtime_call([&](Device& device, Lock& lock) {
    if (pointer == nullptr) return cudaSuccess;
    device.wait_for_everything(lock);
    device.open_device_memory();
    const std::ptrdiff_t bytes = device.device_memory.remove(pointer);
    if (bytes < 0) return cudaErrorInvalidValue;
    device.counters.device_bytes -= static_cast<std::size_t>(bytes);
    host_cuda::release_memory(pointer);
    return cudaSuccess;
  });
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
  return runtime_call([&](Device& device, Lock&) {
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    auto& counters = device.counters;
    if (!reserve(counters.pinned_bytes, counters.peak_pinned_bytes, bytes,
                 device.options.pinned_memory_bytes)) {
      return cudaErrorMemoryAllocation;
    }
    constexpr std::size_t alignment = 4096;
    if (posix_memalign(pointer, alignment, bytes) != 0) return cudaErrorMemoryAllocation;
    std::memset(*pointer, garbage(device), bytes);
    device.pinned_memory.add(*pointer, bytes);
    return cudaSuccess;
  });
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void* pointer) {
  return runtime_call([&](Device& device, Lock& lock) {
    if (pointer == nullptr) return cudaSuccess;
    device.wait_for_everything(lock);
    const std::ptrdiff_t bytes = device.pinned_memory.remove(pointer);
    if (bytes < 0) return cudaErrorInvalidValue;
    device.counters.pinned_bytes -= static_cast<std::size_t>(bytes);
    std::free(pointer);
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return copy(to, from, bytes, kind, nullptr, true);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return copy(to, from, bytes, kind, stream, false);
}

cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  return set(to, value, bytes, nullptr);
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return set(to, value, bytes, stream);
}

cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes) {
  return runtime_call([&](Device& device, Lock&) {
    *total_bytes = device.options.device_memory_bytes;
    *free_bytes = *total_bytes - device.counters.device_bytes;
    return cudaSuccess;
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return runtime_call([&](Device& device, Lock&) {
    void* address = const_cast<void*>(pointer);
    *attributes = {cudaMemoryTypeUnregistered, 0, nullptr, address};
    if (device.pinned_memory.contain(pointer, 1)) *attributes = {cudaMemoryTypeHost, 0, address, address};
    if (device.device_memory.contain(pointer, 1)) *attributes = {cudaMemoryTypeDevice, 0, address, nullptr};
    return cudaSuccess;
  });
}
