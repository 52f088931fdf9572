// Address space for memory that the race checker watches, with a cell beside each four bytes. Nothing is
// reused until everything of a space is free, so what was freed stays recognisable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "tests/host_cuda/access_history.h"
#include "tests/host_cuda/checker.h"

namespace host_cuda {

// Four bytes. All zero: never accessed.
struct Cell {
  Accesses written;
  Accesses read;
  std::uint8_t initialised = 0;  // a bit for each byte
};

class Arena {
 public:
  Arena();

  void* allocate(std::size_t bytes, Space space);
  void release(void* memory);

  bool contains(const void* address) const { return offset_of(address) < bytes_; }
  Space space_of(const void* address) const {
    return offset_of(address) < shared_bytes_ ? Space::shared : Space::device;
  }
  // Whether all these bytes, at most 16, lie in one block of memory.
  bool is_allocated(const void* address, std::size_t bytes) const;
  Cell& cell(const void* address) { return cells_[offset_of(address) / 4]; }

 private:
  static constexpr std::size_t shared_bytes_ = std::size_t{64} << 20;
  static constexpr std::size_t bytes_ = std::size_t{16} << 30;
  static constexpr std::size_t granule_ = 256;  // blocks start at multiples

  std::size_t offset_of(const void* address) const {
    return static_cast<std::size_t>(static_cast<const char*>(address) - memory_);
  }
  void forget(std::size_t offset, std::size_t bytes);

  struct Region {
    std::size_t next;  // offset of what was never used
    std::map<std::size_t, std::size_t> blocks;
  };
  Region& region_at(std::size_t offset) { return offset < shared_bytes_ ? shared_ : device_; }

  char* memory_;
  Cell* cells_;
  std::uint16_t* used_;  // of each granule's bytes, from its start
  Region shared_{0, {}};
  Region device_{shared_bytes_, {}};
};

}  // namespace host_cuda
