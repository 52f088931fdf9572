// Memory for one batch that goes back to the system when it is released.
#pragma once

#include <cstddef>
#include <span>

namespace qcal {

// Whole pages straight from the kernel. malloc would keep freed blocks of up to 32 MiB in each thread's
// arena, so that the resident size would depend on the sizes and the order of the batches seen before.
class PageBuffer {
 public:
  PageBuffer() = default;
  // Throws std::bad_alloc.
  explicit PageBuffer(std::size_t bytes);
  ~PageBuffer();
  PageBuffer(PageBuffer&& other) noexcept;
  PageBuffer& operator=(PageBuffer&& other) noexcept;

  // Aligned to a page; null where the buffer is empty.
  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<std::byte> bytes() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace qcal
