// Warp synchronisation, shuffles, votes, reductions.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "host_cuda/execution.h"

namespace host_cuda {

enum class WarpOperation : std::uint8_t {
  sync,
  shuffle,
  ballot,
  reduce_add,
  reduce_min,
  reduce_max,
  reduce_and,
  reduce_or,
  reduce_xor,
  match_any
};

// Waits for every lane of `mask`, then combines what they sent into what they receive.
void warp_operation(WarpOperation operation, unsigned mask, Where where);
// The lanes of the calling thread's warp that have not exited.
unsigned active_lanes();
// A power of two up to 32; anything else is a fault.
void check_shuffle_width(int width, Where where);

HOST_CUDA_INTERNAL inline std::uint64_t exchange(WarpOperation operation, unsigned mask, std::uint64_t value,
                                                 Where where) {
  current_thread->sent = value;
  warp_operation(operation, mask, where);
  return current_thread->received;
}

template <class T>
HOST_CUDA_INTERNAL inline T shuffle(unsigned mask, T value, int source_lane, Where where) {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) <= sizeof(std::uint64_t), "as CUDA's shuffles");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  current_thread->source_lane = source_lane;
  bits = exchange(WarpOperation::shuffle, mask, bits, where);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

HOST_CUDA_INTERNAL inline int lane_in(int width, Where where) {
  check_shuffle_width(width, where);
  return static_cast<int>(current_thread->lane) & (width - 1);
}

HOST_CUDA_INTERNAL inline int own_lane() {
  return static_cast<int>(current_thread->lane);
}

}  // namespace host_cuda

inline void __syncwarp(unsigned mask = 0xffffffffu, host_cuda::Where where = host_cuda::Where::current()) {
  host_cuda::warp_operation(host_cuda::WarpOperation::sync, mask, where);
}

inline unsigned __activemask() {
  return host_cuda::active_lanes();
}

// Where the source lies outside the group of `width` lanes, a lane keeps its own value.
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              host_cuda::Where where = host_cuda::Where::current()) {
  const int first = host_cuda::own_lane() - host_cuda::lane_in(width, where);
  return host_cuda::shuffle(mask, value, first + (source & (width - 1)), where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 host_cuda::Where where = host_cuda::Where::current()) {
  const int distance = static_cast<int>(delta);
  const bool inside = host_cuda::lane_in(width, where) >= distance;
  return host_cuda::shuffle(mask, value, host_cuda::own_lane() - (inside ? distance : 0), where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   host_cuda::Where where = host_cuda::Where::current()) {
  const int distance = static_cast<int>(delta);
  const bool inside = host_cuda::lane_in(width, where) + distance < width;
  return host_cuda::shuffle(mask, value, host_cuda::own_lane() + (inside ? distance : 0), where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  host_cuda::Where where = host_cuda::Where::current()) {
  const int first = host_cuda::own_lane() - host_cuda::lane_in(width, where);
  const int source = host_cuda::own_lane() ^ lane_mask;
  return host_cuda::shuffle(mask, value, source < first + width ? source : host_cuda::own_lane(), where);
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              host_cuda::Where where = host_cuda::Where::current()) {
  return static_cast<unsigned>(
      host_cuda::exchange(host_cuda::WarpOperation::ballot, mask, predicate != 0, where));
}
inline int __any_sync(unsigned mask, int predicate, host_cuda::Where where = host_cuda::Where::current()) {
  return __ballot_sync(mask, predicate, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate, host_cuda::Where where = host_cuda::Where::current()) {
  return __ballot_sync(mask, predicate, where) == mask;
}

#define HOST_CUDA_REDUCTION(name)                                                                \
  inline unsigned __reduce_##name##_sync(unsigned mask, unsigned value,                          \
                                         host_cuda::Where where = host_cuda::Where::current()) { \
    return static_cast<unsigned>(                                                                \
        host_cuda::exchange(host_cuda::WarpOperation::reduce_##name, mask, value, where));       \
  }
HOST_CUDA_REDUCTION(add)
HOST_CUDA_REDUCTION(min)
HOST_CUDA_REDUCTION(max)
HOST_CUDA_REDUCTION(and)
HOST_CUDA_REDUCTION(or)
HOST_CUDA_REDUCTION(xor)
#undef HOST_CUDA_REDUCTION

// Signed values keep their order as unsigned ones with the sign bit flipped.
inline int __reduce_add_sync(unsigned mask, int value, host_cuda::Where where = host_cuda::Where::current()) {
  return static_cast<int>(__reduce_add_sync(mask, static_cast<unsigned>(value), where));
}
inline int __reduce_min_sync(unsigned mask, int value, host_cuda::Where where = host_cuda::Where::current()) {
  return static_cast<int>(__reduce_min_sync(mask, static_cast<unsigned>(value) ^ 0x80000000u, where) ^
                          0x80000000u);
}
inline int __reduce_max_sync(unsigned mask, int value, host_cuda::Where where = host_cuda::Where::current()) {
  return static_cast<int>(__reduce_max_sync(mask, static_cast<unsigned>(value) ^ 0x80000000u, where) ^
                          0x80000000u);
}

template <class T>
unsigned __match_any_sync(unsigned mask, T value, host_cuda::Where where = host_cuda::Where::current()) {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return static_cast<unsigned>(host_cuda::exchange(host_cuda::WarpOperation::match_any, mask, bits, where));
}
