// The few spellings that differ between nvcc and the tests' emulation (tests/host_cuda), which compiles the
// same sources as plain C++ and runs them on the CPU. Shared memory is declared and kernels are launched only
// through this header: `__shared__` and `<<<>>>` have no meaning there.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include "kernels/cuda_support/check.h"

#if defined(QCAL_HOST_CUDA)

#define QCAL_SHARED_ARRAY(T, name, N)    \
  static const char name##_identity = 0; \
  T(&name)[N] = *static_cast<T(*)[N]>(::host_cuda::static_shared(&name##_identity, sizeof(T[N])))
#define QCAL_DYNAMIC_SHARED(T, name) T* const name = static_cast<T*>(::host_cuda::dynamic_shared())

#else

// An array of N (a constant) elements of T in the block's shared memory; its values are undefined at first.
#define QCAL_SHARED_ARRAY(T, name, N) __shared__ T name[N]
// The launch's shared_bytes, aligned to 16 bytes, as a T*.
#define QCAL_DYNAMIC_SHARED(T, name)                                   \
  extern __shared__ __align__(16) unsigned char qcal_dynamic_shared[]; \
  T* const name = reinterpret_cast<T*>(qcal_dynamic_shared)

#endif

namespace qcal {

// Blocks get this much dynamic shared memory without asking for more.
inline constexpr std::size_t default_shared_bytes = 48 * 1024;

// Lets blocks of `kernel` have so much dynamic shared memory.
inline void allow_shared_bytes(const char* what, const void* kernel, std::size_t shared_bytes) {
  if (shared_bytes <= default_shared_bytes) return;
  check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)),
             what);
}

// Blocks of `kernel` that the device's processors hold at a time: more would wait for those to end.
template <class... Parameters>
std::int64_t resident_blocks(const char* what, void (*kernel)(Parameters...), std::int64_t processors, int threads,
                             std::size_t shared_bytes) {
  allow_shared_bytes(what, reinterpret_cast<const void*>(kernel), shared_bytes);
  int blocks = 0;
  check_cuda(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, threads, shared_bytes), what);
  return processors * (blocks > 0 ? blocks : 1);
}

// Launches `kernel` on `stream`, asynchronously. `what` names it in the error: the kernel, tensor and sizes.
// Throws CudaError where the launch is refused; faults of the kernel itself show at a later wait.
template <class... Parameters, class... Arguments>
void launch(const char* what, void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            cudaStream_t stream, Arguments&&... arguments) {
  allow_shared_bytes(what, reinterpret_cast<const void*>(kernel), shared_bytes);
#if defined(QCAL_HOST_CUDA)
  ::host_cuda::launch(kernel, grid, block, shared_bytes, stream,
                      std::tuple<Parameters...>(std::forward<Arguments>(arguments)...));
#else
  // clang-format off
  kernel<<<grid, block, shared_bytes, stream>>>(std::forward<Arguments>(arguments)...);
  // clang-format on
#endif
  check_cuda(cudaGetLastError(), what);
}

}  // namespace qcal
