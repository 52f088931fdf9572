// Squared errors in the ordered sum's order.
#include <type_traits>

#include "kernels/cuda_support/gpu_source.cuh"
#include "kernels/cuda_support/ordered_chunks.cuh"
#include "kernels/scale_error_cuda.h"

namespace qcal {
namespace {

struct ErrorPolicy {
  static constexpr int least_blocks_a_processor = 3;  // up to 80 registers: the sums of all candidates fit
  using Rows = std::integral_constant<int, 2>;     // in flight
  using FewRows = std::integral_constant<int, 1>;  // where divisions need registers of their own
};

// One thread's four lanes of the ordered sum of each candidate.
template <ErrorSpec::Steps how>
class LaneErrors {
 public:
  __device__ LaneErrors(const ErrorSpec& spec, LaneSums<diffs_candidates>& sums)
      : sums_(sums), base_(spec) {
#pragma unroll
    for (int k = 0; k < diffs_candidates; ++k) candidates_[k] = CandidateError<how>(spec, k);
  }

  // A value that is not finite, or not there, is a zero: quantized without error, it adds nothing.
  __device__ __forceinline__ void operator()(const LaneRow& row) const {
#pragma unroll
    for (int lane = 0; lane < ChunkPolicy::lanes_a_thread; ++lane) {
      const float finite = is_finite(row.x[lane]) ? row.x[lane] : 0.0f;
      const float base = base_(finite);
#pragma unroll
      for (int k = 0; k < diffs_candidates; ++k) {
        sums_[k][lane] += candidates_[k].squared(base);
      }
    }
  }

 private:
  LaneSums<diffs_candidates>& sums_;
  BaseSteps<how> base_;
  CandidateError<how> candidates_[diffs_candidates];
};

__global__ void plan_errors_kernel(CandidateSpec candidates, const DeviceRange* __restrict__ ranges,
                                   std::int64_t channels, std::uint64_t elements, ErrorSpec* __restrict__ specs) {
  const std::int64_t channel = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (channel < channels) specs[channel] = error_spec(candidates, value_range(ranges[channel], elements));
}

template <class Stored>
__global__ void __launch_bounds__(ChunkPolicy::threads, ErrorPolicy::least_blocks_a_processor)
    chunk_errors_kernel(DeviceRows rows, PieceOfChannel piece, std::int64_t chunks, bool vectors,
                        const ErrorSpec* __restrict__ specs, OrderedSumState state) {
  using Steps = ErrorSpec::Steps;
  sum_chunks<Stored, diffs_candidates>(
      rows, piece, chunks, vectors, state,
      [&](std::int64_t channel, LaneSums<diffs_candidates>& sums, const auto& visit) {
        const ErrorSpec& spec = specs[channel];
        if (spec.steps == Steps::multiplied) {
          visit(ErrorPolicy::Rows{}, LaneErrors<Steps::multiplied>(spec, sums));
        } else if (spec.steps == Steps::first_divided) {
          visit(ErrorPolicy::Rows{}, LaneErrors<Steps::first_divided>(spec, sums));
        } else {
          visit(ErrorPolicy::FewRows{}, LaneErrors<Steps::each_divided>(spec, sums));
        }
      });
}

}  // namespace

void plan_errors(const KernelContext& context, const CandidateSpec& candidates, const DeviceRange* ranges,
                 std::int64_t channels, std::uint64_t elements, ErrorSpec* specs) {
  if (channels == 0) return;
  constexpr unsigned threads = 64;
  const auto blocks = static_cast<unsigned>((channels + threads - 1) / threads);
  launch(("plan_errors_kernel of " + context.subject).c_str(), plan_errors_kernel, dim3(blocks), dim3(threads), 0,
         context.stream, candidates, ranges, channels, elements, specs);
}

void add_errors(const KernelContext& context, const DeviceRows& rows, const PieceOfChannel& piece, const ErrorSpec* specs,
                const OrderedSumState& state, CandidateErrors* totals) {
  const std::int64_t chunks = chunks_of(rows, piece);
  if (rows.channels * chunks == 0) return;
  const std::string what = "chunk_errors_kernel of " + context.subject;
  with_stored(rows.dtype, [&](auto stored) {
    launch(what.c_str(), chunk_errors_kernel<decltype(stored)>, chunk_blocks(rows, piece), dim3(ChunkPolicy::threads),
           0, context.stream, rows, piece, chunks, loads_four(rows, piece), specs, state);
  });
  add_chunk_sums(context, rows, piece, diffs_candidates, state, totals->data());
}

}  // namespace qcal
