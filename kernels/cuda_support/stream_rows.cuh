// How kernels read rows: a warp streams through a tile with 16-byte loads, several in flight.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda_support/device_rows.h"
#include "kernels/half_math.h"

namespace qcal {

inline constexpr int warp_lanes = 32;

// Stored element types, and what widens them to float32.
struct StoredF32 {
  using Bits = float;
  __device__ static float widened(Bits bits) { return bits; }
};
struct StoredF16 {
  using Bits = std::uint16_t;
  __device__ static float widened(Bits bits) { return float16_to_float(bits); }
};
struct StoredBF16 {
  using Bits = std::uint16_t;
  __device__ static float widened(Bits bits) { return bfloat16_to_float(bits); }
};

// Calls work(StoredF32{}) or its like for the rows' dtype.
template <class Work>
void with_stored(DType dtype, const Work& work) {
  if (dtype == DType::f16) return work(StoredF16{});
  if (dtype == DType::bf16) return work(StoredBF16{});
  work(StoredF32{});
}

template <class Stored>
__device__ __forceinline__ const typename Stored::Bits* run_start(const DeviceRows& rows, std::int64_t channel,
                                                                  std::int64_t run) {
  return static_cast<const typename Stored::Bits*>(rows.data) + channel * rows.channel_stride +
         run * rows.outer_stride;
}

// Calls visit(bits) for each element of a 16-byte vector.
template <class Visit>
__device__ __forceinline__ void visit_vector(StoredF32, uint4 vector, const Visit& visit) {
  visit(__uint_as_float(vector.x));
  visit(__uint_as_float(vector.y));
  visit(__uint_as_float(vector.z));
  visit(__uint_as_float(vector.w));
}

template <class Stored, class Visit>
__device__ __forceinline__ void visit_vector(Stored, uint4 vector, const Visit& visit) {
  for (const unsigned pair : {vector.x, vector.y, vector.z, vector.w}) {
    visit(static_cast<std::uint16_t>(pair & 0xffffu));
    visit(static_cast<std::uint16_t>(pair >> 16));
  }
}

// The calling warp visits `count` elements from `start` on, once each, in no particular order. Elements before
// the first 16-byte boundary and behind the last one come singly.
template <class Stored, class Visit>
__device__ __forceinline__ void stream_tile(const typename Stored::Bits* start, std::int64_t count,
                                            const Visit& visit) {
  constexpr int per_vector = 16 / static_cast<int>(sizeof(typename Stored::Bits));
  constexpr int in_flight = 4;
  const int lane = static_cast<int>(threadIdx.x % warp_lanes);
  const auto misaligned = reinterpret_cast<std::uintptr_t>(start) % 16;
  std::int64_t head = misaligned == 0 ? 0 : static_cast<std::int64_t>((16 - misaligned) / sizeof(*start));
  head = head < count ? head : count;
  if (lane < head) visit(start[lane]);
  const uint4* const vectors = reinterpret_cast<const uint4*>(start + head);
  const std::int64_t whole = (count - head) / per_vector;
  std::int64_t at = lane;
  for (; at + (in_flight - 1) * warp_lanes < whole; at += in_flight * warp_lanes) {
    uint4 loaded[in_flight];
#pragma unroll
    for (int u = 0; u < in_flight; ++u) loaded[u] = __ldcs(vectors + at + u * warp_lanes);
#pragma unroll
    for (int u = 0; u < in_flight; ++u) visit_vector(Stored{}, loaded[u], visit);
  }
  for (; at < whole; at += warp_lanes) visit_vector(Stored{}, __ldcs(vectors + at), visit);
  const std::int64_t tail = head + whole * per_vector + lane;
  if (tail < count) visit(start[tail]);
}

// The calling warp visits its share of a channel: visit(bits, position in memory).
template <class Stored, class Visit>
__device__ __forceinline__ void stream_channel(const DeviceRows& rows, const Tiling& tiling, std::int64_t channel,
                                               const Visit& visit) {
  const std::int64_t warps_a_block = blockDim.x / warp_lanes;
  const std::int64_t warps = gridDim.x * warps_a_block;
  const std::int64_t first = blockIdx.x * warps_a_block + threadIdx.x / warp_lanes;
  for (std::int64_t tile = first; tile < tiling.per_channel; tile += warps) {
    const std::int64_t begin = tile % tiling.per_run * tiling.length;
    const std::int64_t left = rows.inner - begin;
    stream_tile<Stored>(run_start<Stored>(rows, channel, tile / tiling.per_run) + begin,
                        left < tiling.length ? left : tiling.length, visit);
  }
}

}  // namespace qcal
