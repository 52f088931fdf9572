#include "tests/host_cuda/device.h"

#include <cstdlib>

#include "tests/host_cuda/sanitizers.h"

namespace host_cuda {
namespace {

thread_local cudaError_t last_error = cudaSuccess;
thread_local bool in_host_function = false;

std::uint64_t number_from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 0;
}

}  // namespace

std::uint64_t seed_from_environment() {
  return number_from_environment("QCAL_HOST_CUDA_SEED");
}

unsigned preemption_from_environment() {
  return static_cast<unsigned>(number_from_environment("QCAL_HOST_CUDA_PREEMPT"));
}

// Never destroyed: programs free device memory from destructors of static objects.
Device& device() {
  static Device* const emulated = new Device;
  return *emulated;
}

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last_error = error;
  return error;
}

cudaError_t begin_call(Device& device, Lock& lock) {
  ++device.counters.runtime_calls;
  if (device.counters.runtime_calls == device.options.fail_call) return device.options.fail_with;
  if (in_host_function) return cudaErrorNotPermitted;
  if (device.options.device_count == 0) return device.options.no_device_error;
  if (!device.fault.empty()) return cudaErrorLaunchFailure;
  // A device works on while the host does other things.
  constexpr int one_in = 4;
  if (device.options.seed != 0 && device.random.below(one_in) == 0) {
    device.streams.run_some(lock, device.random, false);
  }
  return cudaSuccess;
}

std::shared_ptr<Queue> Device::queue_of(cudaStream_t stream) const {
  if (stream == nullptr) return streams.default_queue();
  return stream_handles.contains(stream) ? stream->queue : nullptr;
}

void Device::enqueue(const std::shared_ptr<Queue>& queue, Work work) {
  work.run = [this, run = std::move(work.run), host_function = work.host_function] {
    if (!fault.empty()) return;
    if (!host_function) {
      open_device_memory();
      return run();
    }
    close_device_memory();
    in_host_function = true;
    run();
    in_host_function = false;
  };
  streams.push(queue, std::move(work));
}

void Device::wait_for(const Ticket& ticket, Lock& lock) {
  ++counters.host_waits;
  streams.run_until(ticket, lock, random, options.seed != 0);
}

void Device::wait_for_everything(Lock& lock) {
  ++counters.host_waits;
  streams.run_everything(lock, random, options.seed != 0);
}

void Device::open_device_memory() {
  if (open_) return;
  for (const auto& [memory, bytes] : device_memory.blocks()) unpoison(memory, bytes);
  open_ = true;
}

void Device::close_device_memory() {
  if (!open_) return;
  for (const auto& [memory, bytes] : device_memory.blocks()) poison(memory, bytes);
  open_ = false;
}

void Device::forget_everything() {
  open_device_memory();
  for (const auto& [memory, bytes] : device_memory.blocks()) release_memory(memory);
  for (const auto& [memory, bytes] : pinned_memory.blocks()) std::free(memory);
  for (const cudaStream_t stream : stream_handles) delete stream;
  for (const cudaEvent_t event : event_handles) delete event;
  device_memory = {};
  pinned_memory = {};
  stream_handles.clear();
  event_handles.clear();
  streams.forget_everything();
  shared_opt_in.clear();
  fault.clear();
  counters = {};
  open_ = false;
}

void configure(const Options& options) {
  Device& emulated = device();
  const Lock lock(emulated.mutex);
  emulated.options = options;
  emulated.random = Random(options.seed);
}

void reset(const Options& options) {
  Device& emulated = device();
  const Lock lock(emulated.mutex);
  emulated.forget_everything();
  emulated.options = options;
  emulated.random = Random(options.seed);
  last_error = cudaSuccess;
}

Options options() {
  Device& emulated = device();
  const Lock lock(emulated.mutex);
  return emulated.options;
}

Counters counters() {
  Device& emulated = device();
  const Lock lock(emulated.mutex);
  return emulated.counters;
}

std::string last_fault() {
  Device& emulated = device();
  const Lock lock(emulated.mutex);
  return emulated.fault;
}

}  // namespace host_cuda

cudaError_t cudaPeekAtLastError() {
  return host_cuda::last_fault().empty() ? host_cuda::last_error : cudaErrorLaunchFailure;
}

// A fault stays: only a new process (here: reset) gets rid of it.
cudaError_t cudaGetLastError() {
  const cudaError_t error = cudaPeekAtLastError();
  host_cuda::last_error = cudaSuccess;
  return error;
}
