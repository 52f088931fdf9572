// Device and pinned memory, and who may touch it.
#pragma once

#include <cstddef>
#include <map>

#include "tests/host_cuda/checker.h"

namespace host_cuda {

// From the race checker's arena where there is one. Aligned as cudaMalloc aligns; null where there is no
// more.
void* take_memory(std::size_t bytes, Space space);
void release_memory(void* memory);

// Blocks of memory by address.
class Allocations {
 public:
  void add(void* memory, std::size_t bytes) { blocks_[static_cast<char*>(memory)] = bytes; }
  // The bytes of the block that starts here, which is forgotten; -1: there is none.
  std::ptrdiff_t remove(void* memory);
  // Whether all of [memory, memory + bytes) lies in one block.
  bool contain(const void* memory, std::size_t bytes) const;
  const std::map<char*, std::size_t>& blocks() const { return blocks_; }

 private:
  std::map<char*, std::size_t> blocks_;
};

}  // namespace host_cuda
