// Stacks that can be switched between: what CUDA threads run on.
#pragma once

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace host_cuda {

inline constexpr std::size_t fiber_stack_bytes = 128 * 1024;

class Fiber {
 public:
  using Entry = void (*)();

  // The host thread's own stack.
  Fiber() = default;
  // A new stack, which runs `entry` when first switched to. `entry` never returns.
  explicit Fiber(Entry entry);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Leaves `from`, which must be running, for `to`; returns when something switches back.
  static void switch_between(Fiber& from, Fiber& to);

  bool has_on_stack(const void* address) const {
    const char* byte = static_cast<const char*>(address);
    return byte >= stack_ && byte < stack_ + fiber_stack_bytes;
  }

 private:
  static void run_entry();
  void arrived_from(Fiber& from);

  Entry entry_ = nullptr;
  char* stack_ = nullptr;  // null: the host's
  const void* sanitizer_stack_ = nullptr;
  std::size_t sanitizer_bytes_ = 0;
  void* fake_stack_ = nullptr;
#if defined(__x86_64__)
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_{};
#endif
};

}  // namespace host_cuda
