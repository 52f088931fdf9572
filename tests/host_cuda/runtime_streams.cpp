// The runtime API's streams, events and waits.
#include "tests/host_cuda/device.h"

using host_cuda::Device;
using host_cuda::Lock;
using host_cuda::runtime_call;
using host_cuda::Streams;

namespace {

bool is_event(const Device& device, cudaEvent_t event) {
  return device.event_handles.contains(event);
}

cudaError_t query(Device& device, const host_cuda::Ticket& ticket, Lock& lock) {
  device.streams.run_some(lock, device.random, true);  // so that a program that polls gets on
  return Streams::done(ticket) ? cudaSuccess : cudaErrorNotReady;
}

// Runs body(Device&, Lock&, queue) as a runtime call on a stream.
template <class Body>
cudaError_t stream_call(cudaStream_t stream, Body body) {
  return runtime_call([&](Device& device, Lock& lock) {
    const std::shared_ptr<host_cuda::Queue> queue = device.queue_of(stream);
    return queue == nullptr ? cudaErrorInvalidResourceHandle : body(device, lock, queue);
  });
}

}  // namespace

cudaError_t cudaDeviceSynchronize() {
  return runtime_call([](Device& device, Lock& lock) {
    device.wait_for_everything(lock);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return runtime_call([&](Device& device, Lock&) {
    *stream = new CUstream_st{device.streams.create((flags & cudaStreamNonBlocking) == 0)};
    device.stream_handles.insert(*stream);
    return cudaSuccess;
  });
}

// Work that is pending still runs.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return runtime_call([&](Device& device, Lock&) {
    if (device.stream_handles.erase(stream) == 0) return cudaErrorInvalidResourceHandle;
    device.streams.destroy(stream->queue);
    delete stream;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return stream_call(stream, [](Device& device, Lock& lock, const auto& queue) {
    device.wait_for(device.streams.now(queue), lock);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return stream_call(stream, [](Device& device, Lock& lock, const auto& queue) {
    return query(device, device.streams.now(queue), lock);
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return stream_call(stream, [&](Device& device, Lock&, const auto& queue) {
    if (!is_event(device, event)) return cudaErrorInvalidResourceHandle;
    device.enqueue(queue, {.run = [] {}, .after = {event->ticket}});
    return cudaSuccess;
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  return stream_call(stream, [&](Device& device, Lock&, const auto& queue) {
    device.enqueue(queue, {.run = [=] { function(data); }, .after = {}, .host_function = true});
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return runtime_call([&](Device& device, Lock&) {
    *event = new CUevent_st;
    device.event_handles.insert(*event);
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return runtime_call([&](Device& device, Lock&) {
    if (device.event_handles.erase(event) == 0) return cudaErrorInvalidResourceHandle;
    delete event;
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return stream_call(stream, [&](Device& device, Lock&, const auto& queue) {
    if (!is_event(device, event)) return cudaErrorInvalidResourceHandle;
    event->ticket = device.streams.now(queue);
    event->recorded = std::chrono::steady_clock::now();
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return runtime_call([&](Device& device, Lock& lock) {
    if (!is_event(device, event)) return cudaErrorInvalidResourceHandle;
    device.wait_for(host_cuda::Ticket(event->ticket), lock);
    return cudaSuccess;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return runtime_call([&](Device& device, Lock& lock) {
    if (!is_event(device, event)) return cudaErrorInvalidResourceHandle;
    return query(device, host_cuda::Ticket(event->ticket), lock);
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  return runtime_call([&](Device& device, Lock&) {
    if (!is_event(device, begin) || !is_event(device, end)) return cudaErrorInvalidResourceHandle;
    if (!Streams::done(begin->ticket) || !Streams::done(end->ticket)) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(end->recorded - begin->recorded).count();
    return cudaSuccess;
  });
}
