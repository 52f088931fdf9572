// What the race checker hears from the emulation. Builds without it have none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host_cuda/execution.h"

namespace host_cuda {

enum class Space : std::uint8_t { shared, device };

class Checker {
 public:
  virtual ~Checker() = default;
  virtual void launch_started() = 0;
  virtual void block_started(std::uint64_t block) = 0;
  virtual void barrier() = 0;
  // The lanes in `lanes` of one warp, whose first thread is `first`, have met.
  virtual void warp_met(unsigned first_thread, unsigned lanes) = 0;
  virtual void fence(unsigned thread) = 0;
  virtual void atomic(const void* address, std::size_t bytes, void* return_address) = 0;
  // Memory that the checker watches from now on; null where there is no more.
  virtual void* allocate(std::size_t bytes, Space space) = 0;
  virtual void release(void* memory) = 0;
  // A copy or fill wrote these bytes of device memory.
  virtual void written(const void* memory, std::size_t bytes) = 0;
};

extern Checker* checker;

}  // namespace host_cuda
