#include "tests/host_cuda/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace host_cuda {
namespace {

// Zeros that take no memory until they are written.
void* reserve(std::size_t bytes) {
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return memory;
}

}  // namespace

Arena::Arena()
    : memory_(static_cast<char*>(reserve(bytes_))),
      cells_(static_cast<Cell*>(reserve(bytes_ / 4 * sizeof(Cell)))),
      used_(static_cast<std::uint16_t*>(reserve(bytes_ / granule_ * sizeof(std::uint16_t)))) {}

void* Arena::allocate(std::size_t bytes, Space space) {
  Region& region = space == Space::shared ? shared_ : device_;
  const std::size_t end = space == Space::shared ? shared_bytes_ : bytes_;
  const std::size_t granules = bytes / granule_ + 2;  // at least one stays unused behind the block
  const std::size_t offset = region.next;
  if (granules * granule_ > end - offset) return nullptr;
  region.next += granules * granule_;
  region.blocks[offset] = bytes;
  std::uint16_t* used = used_ + offset / granule_;
  for (std::size_t left = bytes; left > 0; ++used) {
    *used = static_cast<std::uint16_t>(std::min(left, granule_));
    left -= *used;
  }
  return memory_ + offset;
}

void Arena::release(void* memory) {
  const std::size_t offset = offset_of(memory);
  Region& region = region_at(offset);
  const auto block = region.blocks.find(offset);
  if (block == region.blocks.end()) return;
  forget(offset, block->second);
  region.blocks.erase(block);
  if (region.blocks.empty()) region.next = &region == &shared_ ? 0 : shared_bytes_;
}

// Cells go back to zero: whole pages by giving them back.
void Arena::forget(std::size_t offset, std::size_t bytes) {
  constexpr std::size_t page = 4096;
  std::fill_n(used_ + offset / granule_, bytes / granule_ + 1, std::uint16_t{0});
  char* begin = reinterpret_cast<char*>(cells_ + offset / 4);
  char* const end = reinterpret_cast<char*>(cells_ + (offset + bytes + 3) / 4);
  char* const first_page = begin + (page - reinterpret_cast<std::uintptr_t>(begin) % page) % page;
  char* const last_page = end - reinterpret_cast<std::uintptr_t>(end) % page;
  if (first_page >= last_page) {
    std::fill(begin, end, '\0');
    return;
  }
  std::fill(begin, first_page, '\0');
  madvise(first_page, static_cast<std::size_t>(last_page - first_page), MADV_DONTNEED);
  std::fill(last_page, end, '\0');
}

bool Arena::is_allocated(const void* address, std::size_t bytes) const {
  const std::size_t offset = offset_of(address);
  const std::size_t within = offset % granule_;
  const std::size_t here = std::min(bytes, granule_ - within);
  const std::uint16_t* used = used_ + offset / granule_;
  return within + here <= used[0] && bytes - here <= used[1];
}

}  // namespace host_cuda
