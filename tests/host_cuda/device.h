// The emulated device: all its state behind one lock, and the frame that every runtime call runs in.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "tests/host_cuda/host_cuda.h"
#include "tests/host_cuda/memory.h"
#include "tests/host_cuda/random.h"
#include "tests/host_cuda/streams.h"

namespace host_cuda {

using Lock = std::unique_lock<std::mutex>;

struct Device {
  std::mutex mutex;
  Options options;
  Counters counters;
  Random random{options.seed};
  Allocations device_memory;
  Allocations pinned_memory;
  Streams streams;
  std::set<cudaStream_t> stream_handles;
  std::set<cudaEvent_t> event_handles;
  std::map<const void*, std::size_t> shared_opt_in;  // by kernel: the dynamic shared memory it may have
  std::set<const void*> launched;
  std::string fault;

  // The queue of a stream; null: there is no such stream.
  std::shared_ptr<Queue> queue_of(cudaStream_t stream) const;
  // Work runs with device memory open to the emulation, and not at all after a fault.
  void enqueue(const std::shared_ptr<Queue>& queue, Work work);
  void wait_for(const Ticket& ticket, Lock& lock);
  void wait_for_everything(Lock& lock);
  // Host code that touches device memory is caught by the sanitizer, except while work runs.
  void open_device_memory();
  void close_device_memory();
  void forget_everything();

 private:
  bool open_ = false;
};

Device& device();

// Whether the call is to go ahead; it counts as one.
cudaError_t begin_call(Device& device, Lock& lock);
// Keeps an error for cudaGetLastError.
cudaError_t remember(cudaError_t error);

// Runs body(Device&, Lock&) as a runtime call.
template <class Body>
cudaError_t runtime_call(Body body) {
  Device& emulated = device();
  Lock lock(emulated.mutex);
  cudaError_t status = begin_call(emulated, lock);
  if (status == cudaSuccess) status = body(emulated, lock);
  if (status == cudaSuccess && !emulated.fault.empty()) status = cudaErrorLaunchFailure;
  emulated.close_device_memory();
  return remember(status);
}

}  // namespace host_cuda

struct CUstream_st {
  std::shared_ptr<host_cuda::Queue> queue;
};

struct CUevent_st {
  host_cuda::Ticket ticket;
  std::chrono::steady_clock::time_point recorded;
};
