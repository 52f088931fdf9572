// How kernels add in the order of ordered_sum_math.h: four threads a chunk, four float32 lanes a thread.
#pragma once

#include "kernels/cuda_support/gpu_source.cuh"
#include "kernels/cuda_support/stream_rows.cuh"
#include "kernels/ordered_sum_cuda.h"
#include "kernels/ordered_sum_math.h"

namespace qcal {

struct ChunkPolicy {
  static constexpr int threads = 256;
  static constexpr int lanes_a_thread = 4;  // of the ordered sum: a 16-byte load of float32
  static constexpr int threads_a_chunk = ordered_sum_lanes / lanes_a_thread;
  static constexpr int chunks_a_block = threads / threads_a_chunk;
};

inline constexpr int chunk_rows = static_cast<int>(ordered_sum_chunk / ordered_sum_lanes);

// One row's values of a thread's lanes, and which of them the piece holds.
struct LaneRow {
  float x[ChunkPolicy::lanes_a_thread];
  bool inside[ChunkPolicy::lanes_a_thread];
};

// A thread's running sums of `terms` quantities.
template <int terms>
using LaneSums = float[terms][ChunkPolicy::lanes_a_thread];

// A place in a channel's runs that moves on a row of the ordered sum at a time.
class RowCursor {
 public:
  __device__ RowCursor(const DeviceRows& rows, std::int64_t element)
      : run_(element / rows.inner), column_(element % rows.inner) {}

  __device__ void next_row(const DeviceRows& rows) {
    column_ += ordered_sum_lanes;
    while (column_ >= rows.inner) {
      column_ -= rows.inner;
      ++run_;
    }
  }
  // Elements of the run from here on.
  __device__ std::int64_t left(const DeviceRows& rows) const { return rows.inner - column_; }
  // Where element `ahead` behind this one lies.
  __device__ std::int64_t position(const DeviceRows& rows, int ahead) const {
    std::int64_t run = run_;
    std::int64_t column = column_ + ahead;
    while (column >= rows.inner) {
      column -= rows.inner;
      ++run;
    }
    return run * rows.outer_stride + column;
  }

 private:
  std::int64_t run_;
  std::int64_t column_;
};

// Four elements that lie together and aligned.
__device__ __forceinline__ void load_four(StoredF32, const float* from, float (&x)[4]) {
  const uint4 bits = __ldcs(reinterpret_cast<const uint4*>(from));
  x[0] = __uint_as_float(bits.x);
  x[1] = __uint_as_float(bits.y);
  x[2] = __uint_as_float(bits.z);
  x[3] = __uint_as_float(bits.w);
}

template <class Stored>
__device__ __forceinline__ void load_four(Stored, const std::uint16_t* from, float (&x)[4]) {
  const uint2 bits = __ldcs(reinterpret_cast<const uint2*>(from));
  x[0] = Stored::widened(static_cast<std::uint16_t>(bits.x & 0xffffu));
  x[1] = Stored::widened(static_cast<std::uint16_t>(bits.x >> 16));
  x[2] = Stored::widened(static_cast<std::uint16_t>(bits.y & 0xffffu));
  x[3] = Stored::widened(static_cast<std::uint16_t>(bits.y >> 16));
}

// The part of a chunk that a piece holds, as positions in the channel, and the calling thread's first lane.
struct ChunkPart {
  std::int64_t chunk_begin;
  std::int64_t begin;
  std::int64_t end;
  int first_lane;
};

// The rows of a whole chunk that lies together, from the thread's lanes of the first row on. Loads of several
// rows, `in_flight`, are under way at once.
template <class Stored, int in_flight, class AddRow>
__device__ __forceinline__ void visit_run(const typename Stored::Bits* from, const AddRow& add_row) {
#pragma unroll 1
  for (int row = 0; row < chunk_rows; row += in_flight) {
    LaneRow values[in_flight];
#pragma unroll
    for (int u = 0; u < in_flight; ++u) {
      load_four(Stored{}, from + (row + u) * ordered_sum_lanes, values[u].x);
#pragma unroll
      for (int lane = 0; lane < ChunkPolicy::lanes_a_thread; ++lane) values[u].inside[lane] = true;
    }
#pragma unroll
    for (int u = 0; u < in_flight; ++u) add_row(values[u]);
  }
}

// Calls add_row(LaneRow) for the rows of a chunk in order: what the piece, which begins at `offset`, holds.
template <class Stored, int in_flight, class AddRow>
__device__ __forceinline__ void visit_rows(const DeviceRows& rows, std::int64_t channel, std::int64_t offset,
                                           const ChunkPart& part, bool vectors, const AddRow& add_row) {
  constexpr int lanes = ChunkPolicy::lanes_a_thread;
  const auto* start = run_start<Stored>(rows, channel, 0);
  if (part.end - part.begin == ordered_sum_chunk) {
    RowCursor cursor(rows, part.begin - offset);
    if (vectors && cursor.left(rows) >= ordered_sum_chunk) {
      return visit_run<Stored, in_flight>(start + cursor.position(rows, part.first_lane), add_row);
    }
    for (int row = 0; row < chunk_rows; ++row) {
      LaneRow values = {};
      if (vectors) {
        load_four(Stored{}, start + cursor.position(rows, part.first_lane), values.x);
      } else {
#pragma unroll
        for (int lane = 0; lane < lanes; ++lane) {
          values.x[lane] = Stored::widened(start[cursor.position(rows, part.first_lane + lane)]);
        }
      }
#pragma unroll
      for (int lane = 0; lane < lanes; ++lane) values.inside[lane] = true;
      add_row(values);
      cursor.next_row(rows);
    }
    return;
  }
  for (std::int64_t row = part.chunk_begin; row < part.end; row += ordered_sum_lanes) {
    LaneRow values;
    for (int lane = 0; lane < lanes; ++lane) {
      const std::int64_t at = row + part.first_lane + lane;
      values.inside[lane] = at >= part.begin && at < part.end;
      values.x[lane] =
          values.inside[lane] ? Stored::widened(start[RowCursor(rows, at - offset).position(rows, 0)]) : 0.0f;
    }
    add_row(values);
  }
}

// add_lanes() of the four threads that share a chunk, in the first of them. All lanes of the warp take part.
__device__ __forceinline__ double join_lanes(const float (&lanes)[4]) {
  constexpr unsigned everyone = 0xffffffffu;
  double eight[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float opposite = __shfl_down_sync(everyone, lanes[i], 2);
    eight[i] = static_cast<double>(lanes[i]) + static_cast<double>(opposite);
  }
  double four[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) four[i] = eight[i] + __shfl_down_sync(everyone, eight[i], 1);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

// Sums `terms` quantities of every chunk of a piece. sum_channel(channel, sums, visit) adds to a thread's
// `sums` what visit(in_flight, add_row) calls add_row with; all lanes of a warp call it together, though some may
// have no rows. `in_flight` rows (a std::integral_constant that divides chunk_rows) are loaded at once. See
// OrderedSumState for the memory.
template <class Stored, int terms, class SumChannel>
__device__ __forceinline__ void sum_chunks(const DeviceRows& rows, const PieceOfChannel& piece, std::int64_t chunks,
                                           bool vectors, const OrderedSumState& state,
                                           const SumChannel& sum_channel) {
  using Policy = ChunkPolicy;
  const int quarter = static_cast<int>(threadIdx.x) % Policy::threads_a_chunk;
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * Policy::chunks_a_block +
                             threadIdx.x / Policy::threads_a_chunk;  // of the chunk in the piece
  const std::int64_t piece_end = piece.offset + rows.elements();
  ChunkPart part;
  part.first_lane = quarter * Policy::lanes_a_thread;
  part.chunk_begin = (piece.offset / ordered_sum_chunk + index) * ordered_sum_chunk;
  const std::int64_t chunk_end = part.chunk_begin + ordered_sum_chunk;
  part.begin = part.chunk_begin < piece.offset ? piece.offset : part.chunk_begin;
  part.end = chunk_end < piece_end ? chunk_end : piece_end;
  const bool has_chunk = index < chunks;
  const bool complete = part.end == chunk_end || part.end == piece.total;
  for (std::int64_t channel = blockIdx.y; channel < rows.channels; channel += gridDim.y) {
    LaneSums<terms> sums = {};
    const std::int64_t own_lanes = channel * terms * ordered_sum_lanes + part.first_lane;
    if (has_chunk && part.begin > part.chunk_begin) {
      for (int term = 0; term < terms; ++term) {
        for (int lane = 0; lane < Policy::lanes_a_thread; ++lane) {
          sums[term][lane] = state.open[own_lanes + term * ordered_sum_lanes + lane];
        }
      }
    }
    sum_channel(channel, sums, [&](auto rows_in_flight, const auto& add_row) {
      if (has_chunk) visit_rows<Stored, decltype(rows_in_flight)::value>(rows, channel, piece.offset, part, vectors, add_row);
    });
    if (has_chunk && !complete) {
      for (int term = 0; term < terms; ++term) {
        for (int lane = 0; lane < Policy::lanes_a_thread; ++lane) {
          state.next_open[own_lanes + term * ordered_sum_lanes + lane] = sums[term][lane];
        }
      }
    }
    for (int term = 0; term < terms; ++term) {
      const double sum = join_lanes(sums[term]);
      if (has_chunk && complete && quarter == 0) {
        state.chunk_sums[(channel * terms + term) * chunks + index] = sum;
      }
    }
  }
}

}  // namespace qcal
