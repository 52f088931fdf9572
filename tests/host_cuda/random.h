// The emulation's random choices: xorshift, so that a seed gives the same run everywhere.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace host_cuda {

class Random {
 public:
  explicit Random(std::uint64_t seed = 0) : state_(seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du) {}

  // In [0, end), for an end from 1 to 2^32.
  std::uint64_t below(std::uint64_t end) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return ((state_ >> 32) * end) >> 32;
  }

  // The position of any of the bits set in `bits`, which is not 0: the first at or above a random one.
  unsigned bit_of(unsigned bits) {
    const auto turn = static_cast<int>(below(32));
    return static_cast<unsigned>(std::countr_zero(std::rotr(bits, turn)) + turn) % 32;
  }

  template <class Items>
  void shuffle(Items& items) {
    for (std::size_t left = items.size(); left > 1; --left) std::swap(items[left - 1], items[below(left)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace host_cuda
