#include "tests/host_cuda/memory.h"

#include <cstdlib>

namespace host_cuda {

// Lives as long as the device.
Checker* checker() {
  static Checker* const only = make_checker().release();
  return only;
}

void* take_memory(std::size_t bytes, Space space) {
  if (checker() != nullptr) return checker()->allocate(bytes, space);
  constexpr std::size_t alignment = 256;
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, bytes > 0 ? bytes : 1) == 0 ? memory : nullptr;
}

void release_memory(void* memory) {
  if (checker() != nullptr) return checker()->release(memory);
  std::free(memory);
}

std::ptrdiff_t Allocations::remove(void* memory) {
  const auto found = blocks_.find(static_cast<char*>(memory));
  if (found == blocks_.end()) return -1;
  const auto bytes = static_cast<std::ptrdiff_t>(found->second);
  blocks_.erase(found);
  return bytes;
}

bool Allocations::contain(const void* memory, std::size_t bytes) const {
  char* const start = static_cast<char*>(const_cast<void*>(memory));
  auto block = blocks_.upper_bound(start);
  if (block == blocks_.begin()) return false;
  --block;
  return start < block->first + block->second &&
         bytes <= static_cast<std::size_t>(block->first + block->second - start);
}

}  // namespace host_cuda
