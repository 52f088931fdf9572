// Checks each access of a kernel: kernels are compiled with -fsanitize=thread, and tsan_hooks.cpp stands in
// for the sanitizer's runtime. Faults: data races in shared and device memory, accesses out of bounds or to
// freed memory, reads of memory that nothing has written, host memory in kernels.
#pragma once

#include <pthread.h>

#include <string>

#include "tests/host_cuda/arena.h"
#include "tests/host_cuda/checker.h"

namespace host_cuda {

enum class AccessKind : std::uint8_t { read, write, atomic };

class RaceChecker : public Checker {
 public:
  void launch_started() override;
  void block_started(std::uint64_t block) override;
  void barrier() override { history_.barrier(); }
  void warp_met(unsigned lanes) override;
  void fence() override;
  void atomic(const void* address, std::size_t bytes, const void* return_address) override;
  void* allocate(std::size_t bytes, Space space) override { return arena_.allocate(bytes, space); }
  void release(void* memory) override { arena_.release(memory); }
  void written(const void* memory, std::size_t bytes) override;

  // An access by compiled code; nothing where it is not a kernel's.
  void access(const void* address, std::size_t bytes, AccessKind kind, const void* return_address);

 private:
  struct Access {
    const void* address;
    std::size_t bytes;
    AccessKind kind;
    const void* return_address;
    unsigned thread;
  };

  void check_place(const Access& access) const;
  void check_cell(Cell& cell, std::uint8_t bytes, const Access& access);
  [[noreturn]] void report(const std::string& what, const Access& access) const;
  void check_order(const Accesses& earlier, const char* earlier_kind, std::uint8_t bytes,
                   const Access& access) const;

  Arena arena_;
  AccessHistory history_;
  pthread_t kernel_thread_{};  // the host thread that runs the launch
};

// The one that make_checker made.
RaceChecker* race_checker();

}  // namespace host_cuda
