#include "tests/host_cuda/access_history.h"

#include <algorithm>
#include <bit>

namespace host_cuda {

void AccessHistory::launch_started() {
  launch_epoch_ = ++epoch_;
  released_.clear();
}

void AccessHistory::block_started(std::uint32_t block) {
  block_ = block;
  block_epoch_ = ++epoch_;
  acquired_.clear();
  for (Warp& warp : warps_) {
    if (warp.meetings > 0) warp = {};
  }
}

void AccessHistory::barrier() {
  ++epoch_;
  for (Acquired& acquired : acquired_) acquired.by_block = true;
}

void AccessHistory::warp_met(unsigned number, unsigned mask) {
  Warp& warp = warps_[number];
  std::array<std::uint32_t, lanes> known{};
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if (((mask >> lane) & 1u) == 0) continue;
    for (unsigned other = 0; other < lanes; ++other)
      known[other] = std::max(known[other], warp.clock[lane][other]);
    known[lane] = std::max(known[lane], warp.meetings + 1);
  }
  ++warp.meetings;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if ((mask >> lane) & 1u) warp.clock[lane] = known;
  }
}

void AccessHistory::fence(unsigned thread) {
  fences_[thread] = {block_, thread, epoch_, ++time_};
}

void AccessHistory::atomic(unsigned thread, const void* address) {
  if (const auto found = released_.find(address); found != released_.end()) {
    for (const Release& release : found->second) acquired_.push_back({release, thread, false});
  }
  const Release& fence = fences_[thread];
  if (fence.epoch >= block_epoch_) released_[address].push_back(fence);
}

bool AccessHistory::ordered_in_warp(const Accesses& earlier, unsigned thread) const {
  if (earlier.spread != Spread::warp || earlier.warp != thread / lanes) return false;
  const auto& known = warps_[earlier.warp].clock[thread % lanes];
  for (std::uint32_t left = earlier.lanes & ~(1u << (thread % lanes)); left != 0; left &= left - 1) {
    if (known[static_cast<unsigned>(std::countr_zero(left))] < earlier.clock) return false;
  }
  return true;
}

bool AccessHistory::handed_over(const Accesses& earlier, unsigned thread) const {
  return std::any_of(acquired_.begin(), acquired_.end(), [&](const Acquired& acquired) {
    const Release& release = acquired.release;
    if (!acquired.by_block && acquired.thread != thread) return false;
    if (earlier.spread == Spread::grid) return true;  // one hand-over has to stand for all
    const bool by_releaser =
        earlier.warp == release.thread / lanes && earlier.lanes == 1u << (release.thread % lanes);
    return earlier.block == release.block &&
           (earlier.epoch < release.epoch || (by_releaser && earlier.time < release.time));
  });
}

Accesses AccessHistory::joined(const Accesses& earlier, const Accesses& now, unsigned thread) const {
  if (ordered(earlier, thread)) return now;
  Accesses both = now;
  both.bytes |= earlier.bytes;
  if (before_this_block(earlier)) {
    both.spread = Spread::grid;
  } else if (earlier.warp == now.warp) {
    both.spread = earlier.spread;
    both.lanes |= earlier.lanes;
  } else {
    both.spread = std::max(earlier.spread, Spread::block);
  }
  return both;
}

}  // namespace host_cuda
