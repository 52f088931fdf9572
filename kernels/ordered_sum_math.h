// The one order in which qcal adds floats whose sum decides something; every back end follows it to the bit.
//
// Elements are taken in logical (C) order of the tensor, or of the channel. They are cut into chunks of 512
// from the start. Element i of a chunk is added to float32 lane i mod 16 (no FMA). The 16 lanes are widened
// to double and added by a tree (l + (l+8), then +4, +2, +1). Chunk sums are added by the tree in which node
// j of level k covers chunks [j * 2^k, (j+1) * 2^k); an incomplete tail is added from its smallest subtree to
// its largest. The order maps onto AVX-512, AVX2 and half-warps with 16-byte loads; double lanes would cost
// half the speed.
#pragma once

#include <cstdint>

#include "kernels/host_device.h"

namespace qcal {

inline constexpr int ordered_sum_lanes = 16;
inline constexpr std::int64_t ordered_sum_chunk = 512;

// Sum of the 16 lanes of one chunk.
QCAL_HOST_DEVICE inline double add_lanes(const float* lanes) {
  double sums[ordered_sum_lanes / 2];
  for (int i = 0; i < 8; ++i) sums[i] = static_cast<double>(lanes[i]) + static_cast<double>(lanes[i + 8]);
  for (int i = 0; i < 4; ++i) sums[i] = sums[i] + sums[i + 4];
  for (int i = 0; i < 2; ++i) sums[i] = sums[i] + sums[i + 2];
  return sums[0] + sums[1];
}

// Adds the nodes of the chunk tree in order of their index, in O(log n) memory.
class OrderedTree {
 public:
  // `sum` covers the next 2^level chunks. A node of level k must start at a multiple of 2^k chunks.
  QCAL_HOST_DEVICE void add(double sum, int level = 0) {
    std::uint64_t position = chunks_ >> level;
    int at = level;
    while ((position & 1u) != 0) {  // the left sibling is waiting: close the pair
      sum = pending_[at] + sum;
      position >>= 1;
      ++at;
    }
    pending_[at] = sum;
    chunks_ += std::uint64_t{1} << level;
  }

  QCAL_HOST_DEVICE double total() const {
    double sum = 0.0;
    bool first = true;
    for (int level = 0; level < 64; ++level) {
      if (((chunks_ >> level) & 1u) == 0) continue;
      sum = first ? pending_[level] : pending_[level] + sum;
      first = false;
    }
    return sum;
  }

 private:
  double pending_[64] = {};
  std::uint64_t chunks_ = 0;
};

}  // namespace qcal
