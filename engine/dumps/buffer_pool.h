// Keeps a few released buffers for the next batches.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "engine/dumps/page_buffer.h"

namespace qcal {

// Reading into pages that were used before is three times as fast as into fresh ones, which the kernel has to
// find, clear and map first (11 against 3.6 GB/s with 2 MiB pages, 2.0 with 4 KiB pages). What is kept is
// bounded, whatever the sizes and the number of threads, and larger buffers go straight back to the system.
class BufferPool {
 public:
  explicit BufferPool(std::size_t most_spare_bytes) : most_spare_bytes_(most_spare_bytes) {}

  // A buffer of at least that size, with any contents. Thread-safe. Throws std::bad_alloc.
  PageBuffer take(std::size_t bytes);
  // Thread-safe.
  void give_back(PageBuffer buffer);

 private:
  const std::size_t most_spare_bytes_;
  std::mutex mutex_;
  std::vector<PageBuffer> spare_;  // smallest first
  std::size_t spare_bytes_ = 0;
};

}  // namespace qcal
