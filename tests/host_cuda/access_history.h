// Which earlier accesses of a launch are ordered before an access that a CUDA thread makes now. Order comes
// from block barriers, from __syncwarp between lanes of a warp, and between blocks from a fence followed by
// an atomic that another block's atomic on the same address then sees.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace host_cuda {

enum class Spread : std::uint8_t { warp, block, grid };

// The accesses of one kind to four bytes that later accesses are checked against. All zero: none.
struct Accesses {
  std::uint32_t epoch = 0;  // barriers and blocks so far, over all launches
  std::uint32_t block = 0;
  std::uint32_t clock = 0;  // warp meetings so far, in the warp
  std::uint32_t time = 0;   // fences so far
  std::uint32_t lanes = 0;  // of the warp
  std::uint32_t place = 0;  // the code, from the start of the program
  std::uint8_t warp = 0;
  std::uint8_t bytes = 0;  // a bit each
  bool atomic = false;
  Spread spread = Spread::warp;  // beyond this warp or block they are not told apart
};

class AccessHistory {
 public:
  void launch_started();
  void block_started(std::uint32_t block);
  void barrier();
  void warp_met(unsigned warp, unsigned lanes);
  void fence(unsigned thread);
  // The thread's atomic at `address` acquires what earlier ones released there, and releases what it fenced.
  void atomic(unsigned thread, const void* address);

  // An access by the thread now.
  Accesses access(unsigned thread, std::uint8_t bytes, bool atomic, std::uint32_t place) const;
  // Whether all of `earlier` is ordered before whatever the thread does now.
  bool ordered(const Accesses& earlier, unsigned thread) const;
  // From an earlier block of the launch, or an earlier launch.
  bool before_this_block(const Accesses& earlier) const { return earlier.epoch < block_epoch_; }
  // Both, where they are not ordered; else the later one. For accesses that may overlap: reads, or atomics.
  Accesses joined(const Accesses& earlier, const Accesses& now, unsigned thread) const;

 private:
  static constexpr unsigned lanes = 32;
  static constexpr unsigned warps = 32;
  static constexpr unsigned threads = lanes * warps;

  // The fence of a thread: what it and, up to the last barrier, its block did before.
  struct Release {
    std::uint32_t block;
    unsigned thread;
    std::uint32_t epoch;
    std::uint32_t time;
  };
  struct Acquired {
    Release release;
    unsigned thread;  // that has it; after a barrier the whole block does
    bool by_block;
  };
  // clock[lane][other]: the other lane's clock when the two last met, directly or through others.
  struct Warp {
    std::uint32_t meetings = 0;
    std::array<std::array<std::uint32_t, lanes>, lanes> clock{};
  };

  bool ordered_in_warp(const Accesses& earlier, unsigned thread) const;
  bool handed_over(const Accesses& earlier, unsigned thread) const;

  std::uint32_t epoch_ = 1;
  std::uint32_t launch_epoch_ = 1;
  std::uint32_t block_epoch_ = 1;
  std::uint32_t block_ = 0;
  std::uint32_t time_ = 1;
  std::array<Warp, warps> warps_;
  std::array<Release, threads> fences_{};
  std::unordered_map<const void*, std::vector<Release>> released_;
  std::vector<Acquired> acquired_;
};

inline Accesses AccessHistory::access(unsigned thread, std::uint8_t bytes, bool atomic,
                                      std::uint32_t place) const {
  Accesses now;
  now.epoch = epoch_;
  now.block = block_;
  now.warp = static_cast<std::uint8_t>(thread / lanes);
  now.clock = warps_[now.warp].meetings + 1;
  now.time = time_;
  now.lanes = 1u << (thread % lanes);
  now.place = place;
  now.bytes = bytes;
  now.atomic = atomic;
  return now;
}

inline bool AccessHistory::ordered(const Accesses& earlier, unsigned thread) const {
  if (earlier.epoch < launch_epoch_) return true;
  if (earlier.spread == Spread::grid || before_this_block(earlier)) return handed_over(earlier, thread);
  return earlier.epoch < epoch_ || ordered_in_warp(earlier, thread);
}

}  // namespace host_cuda
