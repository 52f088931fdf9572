// 64-bit counters in device memory.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace qcal {

__device__ __forceinline__ void add_count(std::uint64_t* counter, std::uint64_t count) {
  atomicAdd(reinterpret_cast<unsigned long long*>(counter), static_cast<unsigned long long>(count));
}

}  // namespace qcal
