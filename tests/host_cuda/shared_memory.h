// The shared memory of the block that runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace host_cuda {

inline constexpr std::size_t shared_bytes_per_block = 48 * 1024;
inline constexpr std::size_t shared_bytes_opt_in = 227 * 1024;

class SharedMemory {
 public:
  // `limit` is on dynamic and static memory together.
  void start_launch(std::size_t dynamic_bytes, std::size_t limit);
  // Everything is garbage again.
  void start_block();
  void end_launch();

  void* array(const void* identity, std::size_t bytes);
  void* dynamic() const { return dynamic_; }

 private:
  struct Array {
    const void* identity;
    void* memory;
    std::size_t bytes;
    std::uint64_t block;
  };

  void* take(std::size_t bytes);
  void fill(void* memory, std::size_t bytes) const;

  std::vector<Array> arrays_;
  void* dynamic_ = nullptr;
  std::size_t dynamic_bytes_ = 0;
  std::size_t used_ = 0;
  std::size_t limit_ = 0;
  std::uint64_t block_ = 0;
};

extern SharedMemory shared_memory;

}  // namespace host_cuda
