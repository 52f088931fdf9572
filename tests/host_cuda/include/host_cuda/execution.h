// What a kernel sees of its block: indices, barriers, shared memory; and how one is launched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <tuple>

#include "host_cuda/runtime_api.h"
#include "host_cuda/vector_types.h"

// The emulation's own accesses are not the kernel's: the race checker must not see them.
#define HOST_CUDA_INTERNAL __attribute__((no_sanitize("thread")))

namespace host_cuda {

using Where = std::source_location;

// The part of a CUDA thread's state that its kernel's built-ins read and write directly.
struct KernelThread {
  uint3 index{};
  unsigned lane = 0;
  int source_lane = 0;         // shuffles: the lane to receive from
  std::uint64_t sent = 0;      // what a warp operation takes from this lane
  std::uint64_t received = 0;  // and what it gives back
};

extern KernelThread* current_thread;
extern uint3 current_block;
extern dim3 block_extent;
extern dim3 grid_extent;

HOST_CUDA_INTERNAL inline uint3 thread_index() {
  return current_thread->index;
}
HOST_CUDA_INTERNAL inline uint3 block_index() {
  return current_block;
}
HOST_CUDA_INTERNAL inline dim3 block_size() {
  return block_extent;
}
HOST_CUDA_INTERNAL inline dim3 grid_size() {
  return grid_extent;
}

void block_barrier(Where where);
void fence();
// Lets another thread run first, as often as the options say.
void maybe_preempt();

// One array for each declaration (identity) and block, filled with garbage when the block first asks.
void* static_shared(const void* identity, std::size_t bytes);
void* dynamic_shared();

// A kernel with its arguments, as one thread runs it.
struct KernelCall {
  const void* function;
  std::shared_ptr<const void> arguments;
  std::size_t argument_bytes;
  void (*run_thread)(const void* function, const void* arguments);
};
void enqueue_launch(const KernelCall& call, dim3 grid, dim3 block, std::size_t shared_bytes,
                    cudaStream_t stream);

// What <<<>>> does. Errors show in cudaGetLastError.
template <class... Parameters>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            cudaStream_t stream, std::tuple<Parameters...> arguments) {
  using Arguments = std::tuple<Parameters...>;
  KernelCall call;
  call.function = reinterpret_cast<const void*>(kernel);
  call.arguments = std::make_shared<const Arguments>(std::move(arguments));
  call.argument_bytes = sizeof(Arguments);
  call.run_thread = [](const void* function, const void* values) {
    std::apply(reinterpret_cast<void (*)(Parameters...)>(const_cast<void*>(function)),
               *static_cast<const Arguments*>(values));
  };
  enqueue_launch(call, grid, block, shared_bytes, stream);
}

}  // namespace host_cuda

#define threadIdx (::host_cuda::thread_index())
#define blockIdx (::host_cuda::block_index())
#define blockDim (::host_cuda::block_size())
#define gridDim (::host_cuda::grid_size())

inline constexpr int warpSize = 32;

inline void __syncthreads(host_cuda::Where where = host_cuda::Where::current()) {
  host_cuda::block_barrier(where);
}
inline void __threadfence() {
  host_cuda::fence();
}
inline void __threadfence_block() {}
