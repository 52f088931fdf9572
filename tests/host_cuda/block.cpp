#include "tests/host_cuda/block.h"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "tests/host_cuda/checker.h"
#include "tests/host_cuda/fault.h"

namespace host_cuda {

BlockRunner block_runner;
KernelThread* current_thread = nullptr;

namespace {

bool same_place(const Where& a, const Where& b) {
  if (a.line() != b.line()) return false;
  return a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0;
}

}  // namespace

unsigned BlockRunner::lanes_of(unsigned warp) const {
  const unsigned threads = thread_count_ - warp * warp_lanes;
  return threads >= warp_lanes ? 0xffffffffu : (1u << threads) - 1;
}

void BlockRunner::run(const KernelCall& call, unsigned threads, const Schedule& schedule, Random& random) {
  call_ = &call;
  schedule_ = schedule;
  random_ = &random;
  thread_count_ = threads;
  exited_ = 0;
  at_barrier_ = 0;
  ready_warps_ = 0;
  fault_.clear();
  for (unsigned thread = 0; thread < threads; ++thread) threads_[thread].fiber = nullptr;
  for (unsigned warp = 0; warp * warp_lanes < threads; ++warp) {
    exited_lanes_[warp] = 0;
    groups_[warp].clear();
    ready_lanes_[warp] = lanes_of(warp);
    ready_warps_ |= 1u << warp;
  }
  for (unsigned warp = 0; warp < max_warps; ++warp) priority_[warp] = warp;
  if (schedule.seed != 0) random.shuffle(priority_);

  running_fiber_ = &host_;
  switch_to(*take_ready());
  current_ = nullptr;
  current_thread = nullptr;
  if (fault_.empty()) return;
  forget_fibers();
  throw Fault(fault_);
}

void BlockRunner::forget_fibers() {
  idle_fibers_.clear();
  fibers_.clear();
}

void BlockRunner::fiber_main() {
  for (;;) block_runner.run_started_threads();
}

// A thread that never waits costs no switch: its fiber goes on with the next one.
void BlockRunner::run_started_threads() {
  Thread* next = starting_;
  while (next != nullptr && next->fiber == nullptr) {
    start(*next);
    call_->run_thread(call_->function, call_->arguments.get());
    exit_current();
    next = take_ready();
  }
  idle_fibers_.push_back(running_fiber_);
  if (next != nullptr) {
    switch_to(*next);
  } else {
    if (exited_ < thread_count_) fault_ = deadlock();
    leave_for(host_);
  }
}

void BlockRunner::start(Thread& thread) {
  thread.number = static_cast<unsigned>(&thread - threads_.data());
  thread.warp = thread.number / warp_lanes;
  thread.lane = thread.number % warp_lanes;
  thread.index.x = thread.number % block_extent.x;
  thread.index.y = thread.number / block_extent.x % block_extent.y;
  thread.index.z = thread.number / block_extent.x / block_extent.y;
  thread.fiber = running_fiber_;
  thread.waiting = Thread::Waiting::no;
  current_ = &thread;
  current_thread = &thread;
}

void BlockRunner::exit_current() {
  Thread& thread = *current_;
  ++exited_;
  exited_lanes_[thread.warp] |= 1u << thread.lane;
  if (at_barrier_ > 0) {
    const Thread& first = threads_[first_at_barrier_];
    end_with([&] {
      return describe(thread) + " exited while thread " + std::to_string(first.number) +
             " waits in __syncthreads at " + text(first.where);
    });
  }
  for (const WarpGroup& group : groups_[thread.warp]) {
    if (((group.mask >> thread.lane) & 1u) == 0) continue;
    end_with([&] {
      return describe(thread) + " exited while mask " + hexadecimal(group.mask) + " at " + text(group.where) +
             " names it";
    });
  }
}

void BlockRunner::make_ready(Thread& thread) {
  thread.waiting = Thread::Waiting::no;
  ready_lanes_[thread.warp] |= 1u << thread.lane;
  ready_warps_ |= 1u << thread.warp;
}

unsigned BlockRunner::take_warp() {
  if (schedule_.seed == 0) return static_cast<unsigned>(std::countr_zero(ready_warps_));
  if (schedule_.seed % 2 == 1) return random_->bit_of(ready_warps_);
  for (const unsigned warp : priority_) {
    if ((ready_warps_ >> warp) & 1u) return warp;
  }
  std::abort();  // only called where a warp is ready
}

Thread* BlockRunner::take_ready() {
  if (ready_warps_ == 0) return nullptr;
  const unsigned warp = take_warp();
  unsigned& lanes = ready_lanes_[warp];
  const unsigned lane =
      schedule_.seed == 0 ? static_cast<unsigned>(std::countr_zero(lanes)) : random_->bit_of(lanes);
  lanes &= ~(1u << lane);
  if (lanes == 0) ready_warps_ &= ~(1u << warp);
  return &threads_[warp * warp_lanes + lane];
}

void BlockRunner::leave_for(Fiber& to) {
  Fiber& from = *running_fiber_;
  if (&from == &to) return;
  running_fiber_ = &to;
  Fiber::switch_between(from, to);
}

void BlockRunner::switch_to(Thread& next) {
  if (next.fiber != nullptr) {
    current_ = &next;
    current_thread = &next;
    return leave_for(*next.fiber);
  }
  starting_ = &next;
  if (idle_fibers_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>(&BlockRunner::fiber_main));
    idle_fibers_.push_back(fibers_.back().get());
  }
  Fiber& fiber = *idle_fibers_.back();
  idle_fibers_.pop_back();
  leave_for(fiber);
}

void BlockRunner::wait_for_others() {
  Thread* next = take_ready();
  if (next == nullptr) end_with([&] { return deadlock(); });
  if (next != current_) switch_to(*next);
}

void BlockRunner::end_launch() {
  leave_for(host_);
  std::abort();  // nothing comes back to a launch that has ended
}

void BlockRunner::barrier(Where where) {
  Thread& thread = *current_;
  if (exited_ > 0) {
    end_with([&] {
      return describe(thread) + " waits in __syncthreads at " + text(where) + " after " +
             std::to_string(exited_) + " threads of the block have exited";
    });
  }
  if (at_barrier_ == 0) first_at_barrier_ = thread.number;
  const Thread& first = threads_[first_at_barrier_];
  if (at_barrier_ > 0 && !same_place(where, first.where)) {
    end_with([&] {
      return "divergent __syncthreads: " + describe(thread) + " is at " + text(where) + ", thread " +
             std::to_string(first.number) + " at " + text(first.where);
    });
  }
  thread.waiting = Thread::Waiting::at_barrier;
  thread.where = where;
  if (++at_barrier_ == thread_count_) {
    at_barrier_ = 0;
    if (checker() != nullptr) checker()->barrier();
    for (unsigned number = 0; number < thread_count_; ++number) make_ready(threads_[number]);
  }
  wait_for_others();
}

void BlockRunner::maybe_preempt() {
  if (schedule_.preempt_one_in == 0 || random_->below(schedule_.preempt_one_in) != 0) return;
  make_ready(*current_);
  wait_for_others();
}

std::string BlockRunner::describe(const Thread& thread) const {
  return "block (" + std::to_string(current_block.x) + "," + std::to_string(current_block.y) + "," +
         std::to_string(current_block.z) + ") thread " + std::to_string(thread.number) + " (warp " +
         std::to_string(thread.warp) + " lane " + std::to_string(thread.lane) + ")";
}

std::string BlockRunner::deadlock() const {
  struct Group {
    unsigned first;
    unsigned threads = 0;
  };
  std::map<std::string, Group> groups;
  for (unsigned number = 0; number < thread_count_; ++number) {
    const Thread& thread = threads_[number];
    std::string state = "exited";
    if (thread.waiting == Thread::Waiting::at_barrier) state = "in __syncthreads at " + text(thread.where);
    if (thread.waiting == Thread::Waiting::in_warp) {
      state = "waiting for mask " + hexadecimal(thread.mask) + " at " + text(thread.where);
    }
    ++groups.try_emplace(state, Group{number}).first->second.threads;
  }
  std::string found = "deadlock in block (" + std::to_string(current_block.x) + "," +
                      std::to_string(current_block.y) + "," + std::to_string(current_block.z) + ")";
  for (const auto& [state, group] : groups) {
    found += "; " + std::to_string(group.threads) + " threads, first " + std::to_string(group.first) + ", " +
             state;
  }
  return found;
}

bool BlockRunner::owns(const void* address) const {
  const char* byte = static_cast<const char*>(address);
  const char* arguments = static_cast<const char*>(call_->arguments.get());
  return running_fiber_->has_on_stack(address) ||
         (byte >= arguments && byte < arguments + call_->argument_bytes);
}

void block_barrier(Where where) {
  block_runner.barrier(where);
}

void maybe_preempt() {
  block_runner.maybe_preempt();
}

void report_misaligned(const void* address, std::size_t alignment) {
  char text[96];
  std::snprintf(text, sizeof text, "access to %p, which is not a multiple of %zu", address, alignment);
  fault([&] { return std::string(text); });
}

void fence() {
  if (checker() != nullptr) checker()->fence();
}

void before_atomic(const void* address, unsigned bytes) {
  block_runner.maybe_preempt();
  if (checker() != nullptr) checker()->atomic(address, bytes, __builtin_return_address(0));
}

}  // namespace host_cuda
