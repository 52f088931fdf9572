#include "tests/host_cuda/fiber.h"

#include <sys/mman.h>

#include <new>

#include "tests/host_cuda/sanitizers.h"

#if defined(__x86_64__)
// Saves the registers that a call must preserve, changes stacks, restores them. (void** save_at, void*
// load_from)
extern "C" void host_cuda_switch_stack(void** save_at, void* load_from);
asm(R"(
.text
.globl host_cuda_switch_stack
.type host_cuda_switch_stack, @function
host_cuda_switch_stack:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
.size host_cuda_switch_stack, .-host_cuda_switch_stack
)");
#endif

namespace host_cuda {
namespace {

constexpr std::size_t guard_bytes = 4096;  // an overflowing stack faults instead of writing elsewhere

Fiber* leaving = nullptr;
Fiber* arriving = nullptr;

}  // namespace

Fiber::Fiber(Entry entry) : entry_(entry) {
  void* memory = mmap(nullptr, guard_bytes + fiber_stack_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, guard_bytes, PROT_NONE);
  stack_ = static_cast<char*>(memory) + guard_bytes;
  sanitizer_stack_ = stack_;
  sanitizer_bytes_ = fiber_stack_bytes;
#if defined(__x86_64__)
  void** top = reinterpret_cast<void**>(stack_ + fiber_stack_bytes);
  top -= 2;  // run_entry starts 8 bytes past a multiple of 16, as after a call
  *top = reinterpret_cast<void*>(&Fiber::run_entry);
  constexpr int saved_registers = 6;
  for (int i = 0; i < saved_registers; ++i) *--top = nullptr;
  stack_pointer_ = top;
#else
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_;
  context_.uc_stack.ss_size = fiber_stack_bytes;
  makecontext(&context_, &Fiber::run_entry, 0);
#endif
}

Fiber::~Fiber() {
  if (stack_ == nullptr) return;
  unpoison(stack_, fiber_stack_bytes);  // frames that were left for good
  munmap(stack_ - guard_bytes, guard_bytes + fiber_stack_bytes);
}

void Fiber::run_entry() {
  arriving->arrived_from(*leaving);
  arriving->entry_();
}

void Fiber::switch_between(Fiber& from, Fiber& to) {
  leaving = &from;
  arriving = &to;
  start_stack_switch(&from.fake_stack_, to.sanitizer_stack_, to.sanitizer_bytes_);
#if defined(__x86_64__)
  host_cuda_switch_stack(&from.stack_pointer_, to.stack_pointer_);
#else
  swapcontext(&from.context_, &to.context_);
#endif
  from.arrived_from(*leaving);
}

void Fiber::arrived_from(Fiber& from) {
  // The host's stack is learnt on leaving it.
  const void** stack = from.stack_ == nullptr ? &from.sanitizer_stack_ : nullptr;
  finish_stack_switch(fake_stack_, stack, from.stack_ == nullptr ? &from.sanitizer_bytes_ : nullptr);
}

}  // namespace host_cuda
