// AddressSanitizer's interface, empty in builds without it. The asan flavour defines HOST_CUDA_ASAN; a tree
// that is sanitized as a whole has it here.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) && !defined(HOST_CUDA_ASAN)
#define HOST_CUDA_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(HOST_CUDA_ASAN)
#define HOST_CUDA_ASAN
#endif
#endif

#if defined(HOST_CUDA_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace host_cuda {

#if defined(HOST_CUDA_ASAN)

inline void poison(const void* memory, std::size_t bytes) {
  __asan_poison_memory_region(memory, bytes);
}
inline void unpoison(const void* memory, std::size_t bytes) {
  __asan_unpoison_memory_region(memory, bytes);
}
inline void start_stack_switch(void** fake_stack, const void* stack, std::size_t bytes) {
  __sanitizer_start_switch_fiber(fake_stack, stack, bytes);
}
inline void finish_stack_switch(void* fake_stack, const void** old_stack, std::size_t* old_bytes) {
  __sanitizer_finish_switch_fiber(fake_stack, old_stack, old_bytes);
}

#else

inline void poison(const void*, std::size_t) {}
inline void unpoison(const void*, std::size_t) {}
inline void start_stack_switch(void**, const void*, std::size_t) {}
inline void finish_stack_switch(void*, const void**, std::size_t*) {}

#endif

}  // namespace host_cuda
