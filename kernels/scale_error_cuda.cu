// Squared errors in the ordered sum's order: chunk by chunk, then the chunks' tree.
#include "kernels/cuda_support/gpu_source.cuh"
#include "kernels/cuda_support/stream_rows.cuh"
#include "kernels/scale_error_cuda.h"

namespace qcal {
namespace {

struct ErrorPolicy {
  static constexpr int threads = 256;
  static constexpr int least_blocks_a_processor = 2;  // up to 128 registers: the sums of all candidates fit
  static constexpr int lanes_a_thread = 4;  // of the ordered sum: a 16-byte load of float32
  static constexpr int threads_a_chunk = ordered_sum_lanes / lanes_a_thread;
  static constexpr int chunks_a_block = threads / threads_a_chunk;
  static constexpr std::int64_t most_blocks_y = 65535;
};

struct TreePolicy {
  static constexpr int threads = 256;
  static constexpr int sums_a_thread = 16;
};

using LaneSums = float[diffs_candidates][ErrorPolicy::lanes_a_thread];

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

// The part of a chunk that a piece holds, as positions in the channel.
struct ChunkPart {
  std::int64_t chunk_begin;
  std::int64_t begin;
  std::int64_t end;
};

// One thread's four lanes of the ordered sum of each candidate.
template <Rounding mode, ErrorSpec::Steps how>
class LaneErrors {
 public:
  __device__ LaneErrors(const ErrorSpec& spec, LaneSums& sums)
      : spec_(spec), sums_(sums), base_(base_factor<how>(spec)) {
#pragma unroll
    for (int k = 0; k < diffs_candidates; ++k) factors_[k] = own_factor<how>(spec, k);
  }

  __device__ __forceinline__ void add_row(const float (&x)[ErrorPolicy::lanes_a_thread]) {
#pragma unroll
    for (int lane = 0; lane < ErrorPolicy::lanes_a_thread; ++lane) {
      const float finite = is_finite(x[lane]) ? x[lane] : 0.0f;
      const float steps = base_steps<how>(finite, base_);
#pragma unroll
      for (int k = 0; k < diffs_candidates; ++k) {
        sums_[k][lane] += squared_error<mode, how>(finite, steps, factors_[k],
                                                   spec_.quantizers[static_cast<std::size_t>(k)], spec_.unit);
      }
    }
  }

 private:
  const ErrorSpec& spec_;
  LaneSums& sums_;
  float base_;
  float factors_[diffs_candidates];
};

// The rows of a whole chunk, `from` elements into the piece's share of the channel.
template <class Stored, class Errors>
__device__ __forceinline__ void add_whole_chunk(const DeviceRows& rows, const typename Stored::Bits* channel_start,
                                                std::int64_t from, bool vectors, Errors& errors) {
  RowCursor cursor(rows, from);
  for (int row = 0; row < ordered_sum_chunk / ordered_sum_lanes; ++row) {
    float x[ErrorPolicy::lanes_a_thread];
    if (vectors) {
      load_four(Stored{}, channel_start + cursor.position(rows, 0), x);
    } else {
#pragma unroll
      for (int lane = 0; lane < ErrorPolicy::lanes_a_thread; ++lane) {
        x[lane] = Stored::widened(channel_start[cursor.position(rows, lane)]);
      }
    }
    errors.add_row(x);
    cursor.next_row(rows);
  }
}

// What the piece holds of a chunk that it does not hold whole.
template <class Stored, class Errors>
__device__ __forceinline__ void add_partial_chunk(const DeviceRows& rows, const typename Stored::Bits* channel_start,
                                                  std::int64_t offset, const ChunkPart& part, int first_lane,
                                                  Errors& errors) {
  for (std::int64_t row = part.chunk_begin; row < part.end; row += ordered_sum_lanes) {
    float x[ErrorPolicy::lanes_a_thread];
    for (int lane = 0; lane < ErrorPolicy::lanes_a_thread; ++lane) {
      const std::int64_t at = row + first_lane + lane;
      const bool inside = at >= part.begin && at < part.end;
      // A zero is quantized without error and adds nothing.
      x[lane] = inside ? Stored::widened(channel_start[RowCursor(rows, at - offset).position(rows, 0)]) : 0.0f;
    }
    errors.add_row(x);
  }
}

template <class Stored, Rounding mode, ErrorSpec::Steps how>
__device__ __forceinline__ void add_rows(const DeviceRows& rows, std::int64_t channel, std::int64_t offset,
                                         const ChunkPart& part, bool vectors, const ErrorSpec& spec, LaneSums& sums) {
  const int first_lane = static_cast<int>(threadIdx.x) % ErrorPolicy::threads_a_chunk * ErrorPolicy::lanes_a_thread;
  const auto* start = run_start<Stored>(rows, channel, 0);
  LaneErrors<mode, how> errors(spec, sums);
  if (part.end - part.begin == ordered_sum_chunk) {
    add_whole_chunk<Stored>(rows, start, part.begin + first_lane - offset, vectors, errors);
  } else {
    add_partial_chunk<Stored>(rows, start, offset, part, first_lane, errors);
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

__global__ void plan_errors_kernel(CandidateSpec candidates, const DeviceRange* __restrict__ ranges,
                                   std::int64_t channels, std::uint64_t elements, ErrorSpec* __restrict__ specs) {
  const std::int64_t channel = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (channel < channels) specs[channel] = error_spec(candidates, value_range(ranges[channel], elements));
}

template <class Stored, Rounding mode>
__global__ void __launch_bounds__(ErrorPolicy::threads, ErrorPolicy::least_blocks_a_processor)
    chunk_errors_kernel(DeviceRows rows, PieceOfChannel piece, std::int64_t chunks, bool vectors, ErrorState state) {
  using Policy = ErrorPolicy;
  using Steps = ErrorSpec::Steps;
  const int quarter = static_cast<int>(threadIdx.x) % Policy::threads_a_chunk;
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * Policy::chunks_a_block +
                             threadIdx.x / Policy::threads_a_chunk;  // of the chunk in the piece
  const std::int64_t first_chunk = piece.offset / ordered_sum_chunk;
  const std::int64_t piece_end = piece.offset + rows.elements();
  ChunkPart part;
  part.chunk_begin = (first_chunk + index) * ordered_sum_chunk;
  const std::int64_t chunk_end = part.chunk_begin + ordered_sum_chunk;
  part.begin = part.chunk_begin < piece.offset ? piece.offset : part.chunk_begin;
  part.end = chunk_end < piece_end ? chunk_end : piece_end;
  const bool has_chunk = index < chunks;
  const bool complete = part.end == chunk_end || part.end == piece.total;
  for (std::int64_t channel = blockIdx.y; channel < rows.channels; channel += gridDim.y) {
    LaneSums sums = {};
    if (has_chunk) {
      float(&open)[diffs_candidates][ordered_sum_lanes] = state.open[channel].lanes;
      if (part.begin > part.chunk_begin) {
        for (int k = 0; k < diffs_candidates; ++k) {
          for (int lane = 0; lane < Policy::lanes_a_thread; ++lane) {
            sums[k][lane] = open[k][quarter * Policy::lanes_a_thread + lane];
          }
        }
      }
      const ErrorSpec& spec = state.specs[channel];
      if (spec.steps == Steps::multiplied) {
        add_rows<Stored, mode, Steps::multiplied>(rows, channel, piece.offset, part, vectors, spec, sums);
      } else if (spec.steps == Steps::first_divided) {
        add_rows<Stored, mode, Steps::first_divided>(rows, channel, piece.offset, part, vectors, spec, sums);
      } else {
        add_rows<Stored, mode, Steps::each_divided>(rows, channel, piece.offset, part, vectors, spec, sums);
      }
      if (!complete) {
        for (int k = 0; k < diffs_candidates; ++k) {
          for (int lane = 0; lane < Policy::lanes_a_thread; ++lane) {
            open[k][quarter * Policy::lanes_a_thread + lane] = sums[k][lane];
          }
        }
      }
    }
    for (int k = 0; k < diffs_candidates; ++k) {
      const double sum = join_lanes(sums[k]);
      if (has_chunk && complete && quarter == 0) {
        state.chunk_sums[(channel * diffs_candidates + k) * chunks + index] = sum;
      }
    }
  }
}

// The node that covers `count` chunk sums, a power of two up to threads * sums_a_thread; in the first thread.
__device__ __forceinline__ double node_of(const double* __restrict__ sums, int count, double* of_threads) {
  constexpr int threads = TreePolicy::threads;
  const int thread = static_cast<int>(threadIdx.x);
  const int each = count < threads ? 1 : count / threads;
  double own[TreePolicy::sums_a_thread] = {};
  if (thread * each < count) {
#pragma unroll
    for (int i = 0; i < TreePolicy::sums_a_thread; ++i) {
      if (i < each) own[i] = sums[thread * each + i];
    }
#pragma unroll
    for (int step = 1; step < TreePolicy::sums_a_thread; step *= 2) {
#pragma unroll
      for (int i = 0; i + step < TreePolicy::sums_a_thread; i += 2 * step) {
        if (step < each) own[i] = own[i] + own[i + step];
      }
    }
  }
  of_threads[thread] = own[0];
  const int nodes = count < threads ? count : threads;
  for (int step = 1; step < nodes; step *= 2) {
    __syncthreads();
    const int at = 2 * step * thread;
    if (at + step < nodes) of_threads[at] = of_threads[at] + of_threads[at + step];
  }
  __syncthreads();
  return of_threads[0];
}

// Block b adds the chunk sums of channel b / diffs_candidates, candidate b % diffs_candidates, to its tree.
__global__ void __launch_bounds__(TreePolicy::threads)
    tree_kernel(const double* __restrict__ chunk_sums, std::int64_t chunks, std::int64_t complete,
                std::int64_t first_chunk, OrderedTree* __restrict__ trees, double* __restrict__ totals) {
  QCAL_SHARED_ARRAY(double, of_threads, TreePolicy::threads);
  const double* const sums = chunk_sums + static_cast<std::int64_t>(blockIdx.x) * chunks;
  OrderedTree& tree = trees[blockIdx.x];
  std::int64_t at = 0;
  while (at < complete) {
    int level = 0;
    int size = 1;
    while (size < TreePolicy::threads * TreePolicy::sums_a_thread && (first_chunk + at) % (2 * size) == 0 &&
           at + 2 * size <= complete) {
      size *= 2;
      ++level;
    }
    const double node = node_of(sums + at, size, of_threads);
    if (threadIdx.x == 0) tree.add(node, level);
    __syncthreads();  // the next node uses the same shared memory
    at += size;
  }
  if (totals != nullptr && threadIdx.x == 0) totals[blockIdx.x] = tree.total();
}

// Whether every aligned group of four elements of a channel lies together, aligned for one load.
bool loads_four(const DeviceRows& rows, const PieceOfChannel& piece) {
  const auto bytes = static_cast<std::uintptr_t>(4 * size_of(rows.dtype));
  const bool runs = rows.outer == 1 || (rows.inner % 4 == 0 && rows.outer_stride % 4 == 0);
  const bool channels = rows.channels == 1 || rows.channel_stride % 4 == 0;
  return runs && channels && piece.offset % 4 == 0 && reinterpret_cast<std::uintptr_t>(rows.data) % bytes == 0;
}

}  // namespace

std::int64_t chunks_of(const DeviceRows& rows, const PieceOfChannel& piece) {
  if (rows.elements() == 0) return 0;
  return (piece.offset + rows.elements() - 1) / ordered_sum_chunk - piece.offset / ordered_sum_chunk + 1;
}

void plan_errors(const KernelContext& context, const CandidateSpec& candidates, const DeviceRange* ranges,
                 std::int64_t channels, std::uint64_t elements, const ErrorState& state) {
  if (channels == 0) return;
  constexpr unsigned threads = 64;
  const auto blocks = static_cast<unsigned>((channels + threads - 1) / threads);
  launch(("plan_errors_kernel of " + context.subject).c_str(), plan_errors_kernel, dim3(blocks), dim3(threads), 0,
         context.stream, candidates, ranges, channels, elements, state.specs);
}

void add_errors(const KernelContext& context, const DeviceRows& rows, const PieceOfChannel& piece, Rounding rounding,
                const ErrorState& state, CandidateErrors* totals) {
  const std::int64_t chunks = chunks_of(rows, piece);
  if (rows.channels * chunks == 0) return;
  using Policy = ErrorPolicy;
  const auto x = static_cast<unsigned>((chunks + Policy::chunks_a_block - 1) / Policy::chunks_a_block);
  const auto y = static_cast<unsigned>(rows.channels < Policy::most_blocks_y ? rows.channels : Policy::most_blocks_y);
  const bool vectors = loads_four(rows, piece);
  const std::string what = "chunk_errors_kernel of " + context.subject;
  with_stored(rows.dtype, [&](auto stored) {
    with_rounding(rounding, [&](auto mode) {
      launch(what.c_str(), chunk_errors_kernel<decltype(stored), decltype(mode)::value>, dim3(x, y),
             dim3(Policy::threads), 0, context.stream, rows, piece, chunks, vectors, state);
    });
  });
  const std::int64_t piece_end = piece.offset + rows.elements();
  const bool last = piece_end == piece.total;
  const bool ends_open = !last && piece_end % ordered_sum_chunk != 0;
  launch(("tree_kernel of " + context.subject).c_str(), tree_kernel,
         dim3(static_cast<unsigned>(rows.channels * diffs_candidates)), dim3(TreePolicy::threads), 0, context.stream,
         static_cast<const double*>(state.chunk_sums), chunks, chunks - (ends_open ? 1 : 0),
         piece.offset / ordered_sum_chunk, state.trees, last ? totals->data() : nullptr);
}

}  // namespace qcal
