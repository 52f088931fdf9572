#include "tests/host_cuda/shared_memory.h"

#include <cstring>
#include <string>

#include "tests/host_cuda/block.h"
#include "tests/host_cuda/checker.h"
#include "tests/host_cuda/memory.h"

namespace host_cuda {

SharedMemory shared_memory;

void SharedMemory::start_launch(std::size_t dynamic_bytes, std::size_t limit) {
  used_ = 0;
  limit_ = limit;
  dynamic_bytes_ = dynamic_bytes;
  dynamic_ = dynamic_bytes > 0 ? take(dynamic_bytes) : nullptr;
}

void SharedMemory::start_block() {
  ++block_;
  if (dynamic_ != nullptr) fill(dynamic_, dynamic_bytes_);
}

void SharedMemory::end_launch() {
  for (const Array& array : arrays_) release_memory(array.memory);
  arrays_.clear();
  if (dynamic_ != nullptr) release_memory(dynamic_);
  dynamic_ = nullptr;
}

void* SharedMemory::array(const void* identity, std::size_t bytes) {
  for (Array& array : arrays_) {
    if (array.identity != identity) continue;
    if (array.block != block_) fill(array.memory, bytes);
    array.block = block_;
    return array.memory;
  }
  arrays_.push_back({identity, take(bytes), bytes, block_});
  fill(arrays_.back().memory, bytes);
  return arrays_.back().memory;
}

void* SharedMemory::take(std::size_t bytes) {
  used_ += bytes;
  if (used_ > limit_) {
    fault([&] {
      return "the block uses " + std::to_string(used_) + " bytes of shared memory; it may use " +
             std::to_string(limit_);
    });
  }
  return take_memory(bytes, Space::shared);
}

// Whatever a block left must not look right to the next.
void SharedMemory::fill(void* memory, std::size_t bytes) const {
  std::memset(memory, block_ % 2 == 0 ? 0xa5 : 0xff, bytes);
}

void* static_shared(const void* identity, std::size_t bytes) {
  return shared_memory.array(identity, bytes);
}

void* dynamic_shared() {
  return shared_memory.dynamic();
}

}  // namespace host_cuda
