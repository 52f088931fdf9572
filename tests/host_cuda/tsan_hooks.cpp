// What code compiled with -fsanitize=thread calls, in place of the sanitizer's runtime.
#include <cstddef>

#include "tests/host_cuda/race_checker.h"

namespace {

void check(const void* address, std::size_t bytes, host_cuda::AccessKind kind, const void* return_address) {
  if (host_cuda::RaceChecker* checker = host_cuda::race_checker(); checker != nullptr) {
    checker->access(address, bytes, kind, return_address);
  }
}

}  // namespace

#define HOST_CUDA_READ(name, bytes)                                                  \
  void __tsan_##name(void* address) {                                                \
    check(address, bytes, host_cuda::AccessKind::read, __builtin_return_address(0)); \
  }
#define HOST_CUDA_WRITE(name, bytes)                                                  \
  void __tsan_##name(void* address) {                                                 \
    check(address, bytes, host_cuda::AccessKind::write, __builtin_return_address(0)); \
  }
#define HOST_CUDA_ACCESSES(bytes)              \
  HOST_CUDA_READ(read##bytes, bytes)           \
  HOST_CUDA_WRITE(write##bytes, bytes)         \
  HOST_CUDA_READ(unaligned_read##bytes, bytes) \
  HOST_CUDA_WRITE(unaligned_write##bytes, bytes)

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

HOST_CUDA_ACCESSES(1)
HOST_CUDA_ACCESSES(2)
HOST_CUDA_ACCESSES(4)
HOST_CUDA_ACCESSES(8)
HOST_CUDA_ACCESSES(16)

void __tsan_read_range(void* address, std::size_t bytes) {
  check(address, bytes, host_cuda::AccessKind::read, __builtin_return_address(0));
}
void __tsan_write_range(void* address, std::size_t bytes) {
  check(address, bytes, host_cuda::AccessKind::write, __builtin_return_address(0));
}

// Atomics of the host code beside the kernels: reference counts, guards of static variables.
char __tsan_atomic8_load(const volatile char* address, int) {
  return __atomic_load_n(address, __ATOMIC_ACQUIRE);
}
int __tsan_atomic32_fetch_add(volatile int* address, int value, int) {
  return __atomic_fetch_add(address, value, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_fetch_sub(volatile int* address, int value, int) {
  return __atomic_fetch_sub(address, value, __ATOMIC_SEQ_CST);
}

}  // extern "C"
