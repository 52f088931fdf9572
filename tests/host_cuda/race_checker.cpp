#include "tests/host_cuda/race_checker.h"

#include <algorithm>
#include <cstdio>

#include "tests/host_cuda/block.h"
#include "tests/host_cuda/fault.h"
#include "tests/host_cuda/symbols.h"

extern "C" const char __executable_start;

namespace host_cuda {
namespace {

RaceChecker* made = nullptr;

const char* name(AccessKind kind) {
  switch (kind) {
    case AccessKind::read:
      return "read";
    case AccessKind::write:
      return "write";
    default:
      return "atomic";
  }
}

// Code addresses in four bytes.
std::uint32_t place_of(const void* return_address) {
  return static_cast<std::uint32_t>(static_cast<const char*>(return_address) - &__executable_start);
}

}  // namespace

std::unique_ptr<Checker> make_checker() {
  auto checker = std::make_unique<RaceChecker>();
  made = checker.get();
  return checker;
}

RaceChecker* race_checker() {
  return made;
}

void RaceChecker::launch_started() {
  kernel_thread_ = pthread_self();
  history_.launch_started();
}

void RaceChecker::block_started(std::uint64_t block) {
  history_.block_started(static_cast<std::uint32_t>(block));
}

void RaceChecker::warp_met(unsigned lanes) {
  history_.warp_met(block_runner.current().warp, lanes);
}

void RaceChecker::fence() {
  history_.fence(block_runner.current().number);
}

void RaceChecker::written(const void* memory, std::size_t bytes) {
  const char* const end = static_cast<const char*>(memory) + bytes;
  for (const char* byte = static_cast<const char*>(memory); byte < end; ++byte) {
    arena_.cell(byte).initialised |=
        static_cast<std::uint8_t>(1u << (reinterpret_cast<std::uintptr_t>(byte) % 4));
  }
}

void RaceChecker::report(const std::string& what, const Access& access) const {
  fault([&] {
    return what + ", by " + block_runner.describe(block_runner.current()) + " at " +
           source_of_call(access.return_address);
  });
}

void RaceChecker::check_place(const Access& access) const {
  if (arena_.contains(access.address)) {
    if (arena_.is_allocated(access.address, access.bytes)) return;
    const bool shared = arena_.space_of(access.address) == Space::shared;
    report(std::string(name(access.kind)) + " out of bounds of " + (shared ? "shared" : "device") + " memory",
           access);
  }
  char text[96];
  std::snprintf(text, sizeof text, "%s of %p, which is neither device nor shared memory", name(access.kind),
                access.address);
  report(text, access);
}

void RaceChecker::check_order(const Accesses& earlier, const char* earlier_kind, std::uint8_t bytes,
                              const Access& access) const {
  if ((earlier.bytes & bytes) == 0 || history_.ordered(earlier, access.thread)) return;
  const bool shared = arena_.space_of(access.address) == Space::shared;
  const void* earlier_address = &__executable_start + earlier.place;
  report(std::string("race in ") + (shared ? "shared" : "device") + " memory: " + name(access.kind) +
             " after " + (earlier.atomic ? "atomic" : earlier_kind) + " by block " +
             std::to_string(earlier.block) + " warp " + std::to_string(earlier.warp) + " lanes " +
             hexadecimal(earlier.lanes) + " at " + source_of_call(earlier_address),
         access);
}

void RaceChecker::check_cell(Cell& cell, std::uint8_t bytes, const Access& access) {
  const bool shared = arena_.space_of(access.address) == Space::shared;
  const bool of_earlier_block =
      history_.before_this_block(cell.written) && history_.before_this_block(cell.read);
  if (shared && of_earlier_block) cell = {};
  if (access.kind != AccessKind::write && (cell.initialised & bytes) != bytes) {
    report(std::string("read of uninitialised ") + (shared ? "shared" : "device") + " memory", access);
  }
  const bool atomic = access.kind == AccessKind::atomic;
  if (access.kind != AccessKind::read) check_order(cell.read, "read", bytes, access);
  if (!(atomic && cell.written.atomic)) check_order(cell.written, "write", bytes, access);

  const Accesses now = history_.access(access.thread, bytes, atomic, place_of(access.return_address));
  if (access.kind == AccessKind::read) {
    cell.read = history_.joined(cell.read, now, access.thread);
  } else {
    cell.written = atomic && cell.written.atomic ? history_.joined(cell.written, now, access.thread) : now;
    if (!atomic) cell.read = {};
    cell.initialised |= bytes;
  }
}

void RaceChecker::access(const void* address, std::size_t bytes, AccessKind kind,
                         const void* return_address) {
  if (!block_runner.is_running() || pthread_self() != kernel_thread_) return;
  if (!arena_.contains(address)) {
    const bool written = kind != AccessKind::read;
    if (block_runner.owns(address) || (!written && is_constant(address))) return;
  }
  block_runner.maybe_preempt();
  const Access access{address, bytes, kind, return_address, block_runner.current().number};
  check_place(access);
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  for (std::uintptr_t at = begin; at < begin + bytes;) {
    const std::uintptr_t end = std::min(begin + bytes, at / 4 * 4 + 4);
    const unsigned mask = ((1u << (end - at)) - 1) << (at % 4);
    check_cell(arena_.cell(reinterpret_cast<const void*>(at)), static_cast<std::uint8_t>(mask), access);
    at = end;
  }
}

void RaceChecker::atomic(const void* address, std::size_t bytes, const void* return_address) {
  access(address, bytes, AccessKind::atomic, return_address);
  if (arena_.space_of(address) == Space::device) history_.atomic(block_runner.current().number, address);
}

}  // namespace host_cuda
