// Atomics. One host thread runs all CUDA threads of a launch, so a plain read-modify-write is atomic; the
// race checker is told of each, and another thread may be let in before it.
#pragma once

#include <type_traits>

#include "host_cuda/execution.h"

namespace host_cuda {

// Reports the access to the race checker, where there is one.
void before_atomic(const void* address, unsigned bytes);

template <class T, class Update>
HOST_CUDA_INTERNAL inline T atomic_update(T* address, Update update) {
  before_atomic(address, sizeof(T));
  const T old = *address;
  *address = update(old);
  return old;
}

// The types that CUDA's integer atomics take.
template <class T>
concept AtomicInteger =
    std::is_same_v<T, int> || std::is_same_v<T, unsigned> || std::is_same_v<T, unsigned long long>;
template <class T>
concept AtomicAddend = AtomicInteger<T> || std::is_same_v<T, float> || std::is_same_v<T, double>;

}  // namespace host_cuda

#define HOST_CUDA_ATOMIC(name, concept_name, result)                                          \
  template <host_cuda::concept_name T>                                                        \
  HOST_CUDA_INTERNAL inline T name(T* address, std::type_identity_t<T> value) {               \
    return host_cuda::atomic_update(                                                          \
        address, [value]([[maybe_unused]] T old) HOST_CUDA_INTERNAL -> T { return result; }); \
  }
HOST_CUDA_ATOMIC(atomicAdd, AtomicAddend, old + value)
HOST_CUDA_ATOMIC(atomicMin, AtomicInteger, value < old ? value : old)
HOST_CUDA_ATOMIC(atomicMax, AtomicInteger, old < value ? value : old)
HOST_CUDA_ATOMIC(atomicAnd, AtomicInteger, old& value)
HOST_CUDA_ATOMIC(atomicOr, AtomicInteger, old | value)
HOST_CUDA_ATOMIC(atomicXor, AtomicInteger, old ^ value)
HOST_CUDA_ATOMIC(atomicExch, AtomicAddend, value)
#undef HOST_CUDA_ATOMIC

template <host_cuda::AtomicInteger T>
HOST_CUDA_INTERNAL inline T atomicCAS(T* address, std::type_identity_t<T> expected,
                                      std::type_identity_t<T> desired) {
  return host_cuda::atomic_update(
      address, [=](T old) HOST_CUDA_INTERNAL -> T { return old == expected ? desired : old; });
}

HOST_CUDA_INTERNAL inline unsigned atomicInc(unsigned* address, unsigned limit) {
  return host_cuda::atomic_update(
      address, [=](unsigned old) HOST_CUDA_INTERNAL -> unsigned { return old >= limit ? 0u : old + 1u; });
}
