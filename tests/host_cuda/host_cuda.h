// Control over the emulated CUDA device: what tests set and what they read. Compiled as C++ against include/,
// the project's CUDA sources run on this device: one fiber for each CUDA thread, blocks one after another in
// a random order, streams as queues whose work runs when something waits for it.
//
// A kernel that breaks a rule ends its launch with a fault: printed on stderr, kept in last_fault(), and
// reported by the runtime as cudaErrorLaunchFailure from every later call, as a real device would, until
// reset().
//
// Faults in every build: barriers that not all threads reach, or reach at different places; waiting for
// threads that have exited; deadlock; warp masks that do not name the caller, name lanes that do not exist,
// or that lanes use for different operations; shuffles from lanes outside the mask; too much shared memory.
// The ASan build adds accesses out of bounds of device and shared memory, device memory read by host code,
// misaligned vectors. The race build adds races, uninitialised memory and host pointers (see
// race_checker.cpp).
//
// It cannot see what nvcc, ptxas or the hardware do otherwise (contraction, approximate or flushed
// arithmetic, spills, occupancy, speed), memory weaker than fences say, kernels of two streams that touch the
// same memory without an event unless a seed shows a wrong result, and sizes that tests are too slow for. A
// kernel that spins on what another block writes never ends.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace host_cuda {

// QCAL_HOST_CUDA_SEED, else 0.
std::uint64_t seed_from_environment();
// QCAL_HOST_CUDA_PREEMPT, else 0.
unsigned preemption_from_environment();

struct Options {
  // Order of threads, blocks and streams. 0: the lowest thread and block first, streams only as far as
  // something waits for them. Odd: any thread that can run. Even: warps by random priority, so that one runs
  // far ahead.
  std::uint64_t seed = seed_from_environment();
  // Switches threads before one atomic (in the race build: one access) in this many; 0: never.
  unsigned preempt_one_in = preemption_from_environment();

  int device_count = 1;  // 0: every call that needs a device returns no_device_error
  cudaError_t no_device_error = cudaErrorNoDevice;
  std::size_t device_memory_bytes = std::size_t{1} << 30;
  std::size_t pinned_memory_bytes = std::size_t{1} << 30;
  // The call with this number (from 1, see Counters::runtime_calls) returns fail_with and does nothing; 0:
  // none.
  std::uint64_t fail_call = 0;
  cudaError_t fail_with = cudaErrorUnknown;
};

struct Counters {
  std::uint64_t runtime_calls = 0;  // since reset; launches are calls, reading the last error is not
  std::uint64_t host_waits = 0;     // calls that block, or may block, the host until the device has done work
  std::uint64_t launches = 0;
  std::size_t device_bytes = 0, peak_device_bytes = 0;
  std::size_t pinned_bytes = 0, peak_pinned_bytes = 0;
};

// Forgets everything on the device: memory, streams, events, pending work, faults, counters; then applies
// `options`.
void reset(const Options& options = {});
// Applies `options` and keeps everything else.
void configure(const Options& options);
Options options();
Counters counters();

// What the last failed launch did wrong; empty if none failed.
std::string last_fault();

// The symbols (demangled where possible) of the kernels that this process launched so far.
std::vector<std::string> launched_kernels();

}  // namespace host_cuda
