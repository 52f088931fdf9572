#include "engine/dumps/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace qcal {

PageBuffer BufferPool::take(std::size_t bytes) {
  if (bytes == 0) return {};
  if (bytes > most_spare_bytes_) return PageBuffer(bytes);
  {
    const std::lock_guard lock(mutex_);
    const auto fits = std::find_if(spare_.begin(), spare_.end(),
                                   [bytes](const PageBuffer& buffer) { return buffer.size() >= bytes; });
    if (fits != spare_.end()) {
      PageBuffer buffer = std::move(*fits);
      spare_.erase(fits);
      spare_bytes_ -= buffer.size();
      return buffer;
    }
  }
  // Few different sizes, so that batches of slightly different shapes share buffers. Pages that are never
  // touched take no memory.
  return PageBuffer(std::bit_ceil(bytes));
}

void BufferPool::give_back(PageBuffer buffer) {
  if (buffer.size() == 0 || buffer.size() > most_spare_bytes_) return;
  const std::lock_guard lock(mutex_);
  // The largest are worth most: they serve every request.
  while (!spare_.empty() && spare_bytes_ + buffer.size() > most_spare_bytes_) {
    if (spare_.front().size() >= buffer.size()) return;
    spare_bytes_ -= spare_.front().size();
    spare_.erase(spare_.begin());
  }
  spare_bytes_ += buffer.size();
  const auto at = std::find_if(spare_.begin(), spare_.end(),
                               [&](const PageBuffer& other) { return other.size() >= buffer.size(); });
  spare_.insert(at, std::move(buffer));
}

}  // namespace qcal
