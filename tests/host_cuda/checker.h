// What the race checker hears from the emulation. Builds without it have none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace host_cuda {

enum class Space : std::uint8_t { shared, device };

class Checker {
 public:
  virtual ~Checker() = default;
  virtual void launch_started() = 0;
  virtual void block_started(std::uint64_t block) = 0;
  virtual void barrier() = 0;
  // The lanes in `lanes` of the running thread's warp have met in __syncwarp.
  virtual void warp_met(unsigned lanes) = 0;
  // By the running thread.
  virtual void fence() = 0;
  virtual void atomic(const void* address, std::size_t bytes, const void* return_address) = 0;
  // Memory that the checker watches from now on; null where there is no more.
  virtual void* allocate(std::size_t bytes, Space space) = 0;
  virtual void release(void* memory) = 0;
  // A copy or fill wrote these bytes of device memory.
  virtual void written(const void* memory, std::size_t bytes) = 0;
};

// The race checker in the race flavour, null in the others: each links one definition.
std::unique_ptr<Checker> make_checker();

// Null: there is none.
Checker* checker();

}  // namespace host_cuda
