// Runs the threads of one block, each on a fiber, until all have exited.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "host_cuda/execution.h"
#include "host_cuda/warp.h"
#include "tests/host_cuda/fault.h"
#include "tests/host_cuda/fiber.h"
#include "tests/host_cuda/random.h"

namespace host_cuda {

inline constexpr unsigned max_threads = 1024;
inline constexpr unsigned warp_lanes = 32;
inline constexpr unsigned max_warps = max_threads / warp_lanes;

struct Thread : KernelThread {
  enum class Waiting : std::uint8_t { no, at_barrier, in_warp };

  unsigned number = 0;  // in its block
  unsigned warp = 0;
  Waiting waiting = Waiting::no;
  WarpOperation operation{};  // where in_warp
  unsigned mask = 0;          // where in_warp
  Where where;
  Fiber* fiber = nullptr;  // null: not started
};

// Lanes that wait for each other in one warp operation.
struct WarpGroup {
  unsigned mask;
  unsigned arrived;
  WarpOperation operation;
  Where where;
};

// See Options.
struct Schedule {
  std::uint64_t seed = 0;
  unsigned preempt_one_in = 0;
};

class BlockRunner {
 public:
  // Throws Fault where a thread breaks a rule.
  void run(const KernelCall& call, unsigned threads, const Schedule& schedule, Random& random);

  // What the running CUDA thread asks for.
  void barrier(Where where);
  void warp_operation(WarpOperation operation, unsigned mask, Where where);
  void maybe_preempt();
  // Ends the launch with a fault, message() being what is wrong. The stack that is left never unwinds:
  // nothing on it may own memory, so the text is made in a frame of its own.
  template <class Message>
  [[noreturn]] void end_with(Message message) {
    fault_ = message();
    end_launch();
  }

  bool is_running() const { return current_ != nullptr; }
  const Thread& current() const { return *current_; }
  unsigned active_lanes(unsigned warp) const { return lanes_of(warp) & ~exited_lanes_[warp]; }
  std::string describe(const Thread& thread) const;
  // Whether the address is in the running thread's own memory: its stack or the kernel's arguments.
  bool owns(const void* address) const;

 private:
  static void fiber_main();
  void run_started_threads();
  void start(Thread& thread);
  void exit_current();
  // The thread to run next, no longer ready; null: none is ready.
  Thread* take_ready();
  unsigned take_warp();
  void make_ready(Thread& thread);
  void wait_for_others();
  void switch_to(Thread& next);
  void leave_for(Fiber& to);
  unsigned lanes_of(unsigned warp) const;
  WarpGroup& join_group(const Thread& thread);
  void complete(const WarpGroup& group, unsigned first_thread);
  std::string deadlock() const;
  void forget_fibers();
  [[noreturn]] void end_launch();

  const KernelCall* call_ = nullptr;
  Schedule schedule_;
  Random* random_ = nullptr;

  std::array<Thread, max_threads> threads_;
  unsigned thread_count_ = 0;
  unsigned exited_ = 0;
  std::array<unsigned, max_warps> exited_lanes_{};
  std::array<std::vector<WarpGroup>, max_warps> groups_;
  unsigned at_barrier_ = 0;
  unsigned first_at_barrier_ = 0;

  std::array<unsigned, max_warps> ready_lanes_{};
  unsigned ready_warps_ = 0;
  std::array<unsigned, max_warps> priority_{};

  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_fibers_;
  Fiber host_;
  Fiber* running_fiber_ = nullptr;
  Thread* current_ = nullptr;
  Thread* starting_ = nullptr;  // what the fiber being switched to is to start
  std::string fault_;
};

extern BlockRunner block_runner;

// Ends the running launch, whether on a fiber or still on the host's stack; see BlockRunner::end_with.
template <class Message>
[[noreturn]] void fault(Message message) {
  if (!block_runner.is_running()) throw Fault(message());
  block_runner.end_with(message);
}

}  // namespace host_cuda
