// Row by row, then sample by sample, then over samples: each sum's additions in the order of
// patch_sums_math.h.
#include <algorithm>
#include <string>
#include <type_traits>

#include "kernels/cuda_support/block_reduce.cuh"
#include "kernels/patch_sums_cuda.h"

namespace qcal {
namespace {

constexpr int sum_threads = 256;
constexpr int rows_a_block = sum_threads / ordered_sum_lanes;
constexpr std::size_t most_work_bytes = std::size_t{4} << 20;

// One of the 16 lanes of the ordered sum, in each of 16 neighbouring threads.
struct ThreadLane {
  int lane;
  bool has_row;

  // In each of the threads. All lanes of the warp take part.
  template <class Step>
  __device__ __forceinline__ double chunk_sum(const float* values, Step step, std::int64_t count) const {
    float own = 0.0f;
    for (std::int64_t at = lane; at < count; at += ordered_sum_lanes)
      own += finite_or_zero(values[at * step]);
    double sum = static_cast<double>(own);
#pragma unroll
    for (int distance = ordered_sum_lanes / 2; distance > 0; distance /= 2) {
      sum = sum + __shfl_xor_sync(full_warp, sum, distance);
    }
    return sum;
  }
  __device__ __forceinline__ bool owns(std::int64_t index) const {
    return has_row && index % ordered_sum_lanes == lane;
  }
};

// sums[row][inner offset] of each row.
__global__ void __launch_bounds__(sum_threads)
    row_sums_kernel(DevicePatchWindow window, const float* __restrict__ values, std::int64_t rows,
                    double* __restrict__ sums) {
  const std::int64_t row =
      static_cast<std::int64_t>(blockIdx.x) * rows_a_block + threadIdx.x / ordered_sum_lanes;
  const ThreadLane lane{static_cast<int>(threadIdx.x % ordered_sum_lanes), row < rows};
  const std::int64_t read = lane.has_row ? row : 0;  // a thread without a row still takes part
  range_sums(lane, values + read * window.row_length, window.inner, window.inner_offsets,
             sums + read * window.inner_offsets);
}

__device__ __forceinline__ double as_term(double row_sum) {
  return row_sum;
}
__device__ __forceinline__ double as_term(float value) {
  return static_cast<double>(finite_or_zero(value));
}

// sample_sums[sample that the span touches][channel][outer offset][inner offset], a thread each, from
// row_values[row][inner offset]; the first sample goes on with what is open.
template <class Value>
__global__ void __launch_bounds__(sum_threads)
    sample_sums_kernel(DevicePatchWindow window, RowSpan span, std::int64_t samples,
                       const Value* __restrict__ row_values, const double* __restrict__ open,
                       double* __restrict__ sample_sums) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * sum_threads + threadIdx.x;
  const std::int64_t sums = window.sums();
  if (index >= samples * sums) return;
  const std::int64_t sample = span.first / window.sample_rows() + index / sums;
  const std::int64_t at = index % sums;
  const std::int64_t inner = at % window.inner_offsets;
  const std::int64_t outer = at / window.inner_offsets % window.outer_offsets;
  const std::int64_t channel = at / window.inner_offsets / window.outer_offsets;
  // Of the channel, in the span; what lies outside is before or behind.
  const std::int64_t first_row = (sample * window.channels + channel) * window.rows - span.first;
  const bool goes_on = index < sums && span.first % window.sample_rows() != 0;
  double sum = goes_on ? open[at] : 0.0;
  for (std::int64_t list = outer == 0 ? 0 : window.ends[outer - 1]; list < window.ends[outer]; ++list) {
    const CoordinateRange met = window.outer[list];
    for (std::int64_t i = 0; i < met.count; ++i) {
      const std::int64_t row = first_row + met.first + i * met.step;
      if (row >= 0 && row < span.count) sum += as_term(row_values[row * window.inner_offsets + inner]);
    }
  }
  sample_sums[index] = sum;
}

// Adds the samples in order, a thread a sum; where the last one `ends_open`, it stays so.
__global__ void __launch_bounds__(sum_threads)
    add_samples_kernel(std::int64_t sums, std::int64_t first_sample, std::int64_t samples, bool ends_open,
                       const double* __restrict__ sample_sums, PatchSumState state) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * sum_threads + threadIdx.x;
  if (at >= sums) return;
  const std::int64_t complete = ends_open ? samples - 1 : samples;
  double fitted = state.fitted[at];
  double held_back = state.held_back[at];
  for (std::int64_t sample = 0; sample < complete; ++sample) {
    double& total = is_held_back(first_sample + sample) ? held_back : fitted;
    total += sample_sums[sample * sums + at];
  }
  state.fitted[at] = fitted;
  state.held_back[at] = held_back;
  if (ends_open) state.open[at] = sample_sums[complete * sums + at];
}

dim3 blocks_for(std::int64_t count, std::int64_t a_block) {
  return dim3(static_cast<unsigned>((count + a_block - 1) / a_block));
}

// Of `rows` rows' sums.
std::size_t row_bytes(const DevicePatchWindow& window, std::int64_t rows) {
  return window.inner == nullptr ? 0 : static_cast<std::size_t>(rows * window.inner_offsets) * sizeof(double);
}

// Of the sums of all samples that `rows` rows may touch.
std::size_t sample_bytes(const DevicePatchWindow& window, std::int64_t rows) {
  const std::int64_t samples = std::min(rows, rows / window.sample_rows() + 2);
  return static_cast<std::size_t>(samples * window.sums()) * sizeof(double);
}

std::int64_t rows_at_once(const DevicePatchWindow& window, std::int64_t rows) {
  std::int64_t most = std::int64_t{1} << 21;
  while (most > 1 && row_bytes(window, most) + sample_bytes(window, most) > most_work_bytes) most /= 2;
  return std::min(rows, most);
}

}  // namespace

std::vector<std::int64_t> packed_lists(const PatchWindow& window) {
  std::vector<std::int64_t> lists;
  const auto add = [&](const CoordinateRange& range) {
    lists.insert(lists.end(), {range.first, range.step, range.count});
  };
  std::ranges::for_each(window.inner, add);
  for (const std::vector<CoordinateRange>& ranges : window.outer) std::ranges::for_each(ranges, add);
  std::int64_t end = 0;
  for (const std::vector<CoordinateRange>& ranges : window.outer) {
    end += static_cast<std::int64_t>(ranges.size());
    lists.push_back(end);
  }
  return lists;
}

DevicePatchWindow device_window(const PatchWindow& window, const std::int64_t* lists) {
  static_assert(sizeof(CoordinateRange) == 3 * sizeof(std::int64_t));
  std::size_t outer_ranges = 0;
  for (const std::vector<CoordinateRange>& ranges : window.outer) outer_ranges += ranges.size();
  const auto* ranges = reinterpret_cast<const CoordinateRange*>(lists);
  DevicePatchWindow result;
  result.channels = window.channels;
  result.rows = window.rows;
  result.row_length = window.row_length;
  result.outer_offsets = static_cast<std::int64_t>(window.outer.size());
  result.inner_offsets = window.inner_offsets();
  result.inner = window.inner.empty() ? nullptr : ranges;
  result.outer = ranges + window.inner.size();
  result.ends = lists + 3 * (window.inner.size() + outer_ranges);
  return result;
}

std::size_t patch_work_bytes(const DevicePatchWindow& window, std::int64_t rows) {
  const std::int64_t at_once = rows_at_once(window, rows);
  return row_bytes(window, at_once) + sample_bytes(window, at_once);
}

void add_rows(const KernelContext& context, const DevicePatchWindow& window, const float* values,
              const RowSpan& span, const PatchSumState& state, std::byte* work) {
  const std::int64_t at_once = rows_at_once(window, span.count);
  auto* const row_sums = reinterpret_cast<double*>(work);
  auto* const sample_sums = reinterpret_cast<double*>(work + row_bytes(window, at_once));
  const std::string subject = " of " + context.subject;
  const auto add_samples_of = [&](const RowSpan& part, std::int64_t samples, const auto* row_values) {
    using Value = std::remove_const_t<std::remove_pointer_t<decltype(row_values)>>;
    launch(("sample_sums_kernel" + subject).c_str(), sample_sums_kernel<Value>,
           blocks_for(samples * window.sums(), sum_threads), dim3(sum_threads), 0, context.stream, window,
           part, samples, row_values, static_cast<const double*>(state.open), sample_sums);
  };
  for (std::int64_t done = 0; done < span.count; done += at_once) {
    const RowSpan part{span.first + done, std::min(at_once, span.count - done), span.first_sample};
    const float* const part_values = values + done * window.row_length;
    const std::int64_t first = part.first / window.sample_rows();
    const std::int64_t end = part.first + part.count;
    const std::int64_t samples = (end - 1) / window.sample_rows() + 1 - first;
    if (window.inner == nullptr) {
      add_samples_of(part, samples, part_values);
    } else {
      launch(("row_sums_kernel" + subject).c_str(), row_sums_kernel, blocks_for(part.count, rows_a_block),
             dim3(sum_threads), 0, context.stream, window, part_values, part.count, row_sums);
      add_samples_of(part, samples, static_cast<const double*>(row_sums));
    }
    launch(("add_samples_kernel" + subject).c_str(), add_samples_kernel,
           blocks_for(window.sums(), sum_threads), dim3(sum_threads), 0, context.stream, window.sums(),
           part.first_sample + first, samples, end % window.sample_rows() != 0,
           static_cast<const double*>(sample_sums), state);
  }
}

}  // namespace qcal
