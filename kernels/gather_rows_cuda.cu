// Copies strided, misaligned or float64 tensors to float32 rows.
#include <algorithm>
#include <string>
#include <type_traits>

#include "kernels/cuda_support/gpu_source.cuh"
#include "kernels/error.h"
#include "kernels/gather_rows_cuda.h"
#include "kernels/half_math.h"

namespace qcal {
namespace {

constexpr int most_dimensions = 8;
constexpr std::int64_t shortest_run = 32;
constexpr unsigned gather_threads = 256;

struct GatherJob {
  const unsigned char* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t channels = 1;
  std::int64_t channel_stride = 0;
  std::int64_t elements = 0;
  int dimensions = 0;
  std::int64_t extents[most_dimensions] = {};
  std::int64_t strides[most_dimensions] = {};
};

// Byte by byte: the data may lie anywhere.
__device__ __forceinline__ std::uint64_t load_bytes(const unsigned char* from, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value |= static_cast<std::uint64_t>(from[i]) << (8 * i);
  return value;
}

__device__ __forceinline__ float load_widened(const unsigned char* from, DType dtype) {
  switch (dtype) {
    case DType::f64:
      return static_cast<float>(__longlong_as_double(static_cast<long long>(load_bytes(from, 8))));
    case DType::f16:
      return float16_to_float(static_cast<std::uint16_t>(load_bytes(from, 2)));
    case DType::bf16:
      return bfloat16_to_float(static_cast<std::uint16_t>(load_bytes(from, 2)));
    case DType::f32:
      break;
  }
  return bits_to_float(static_cast<std::uint32_t>(load_bytes(from, 4)));
}

__global__ void __launch_bounds__(gather_threads) gather_kernel(GatherJob job, int bytes, float* __restrict__ out) {
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const std::int64_t total = job.channels * job.elements;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < total; i += threads) {
    std::int64_t rest = i % job.elements;
    std::int64_t offset = i / job.elements * job.channel_stride;
    for (int d = job.dimensions - 1; d >= 0; --d) {
      offset += rest % job.extents[d] * job.strides[d];
      rest /= job.extents[d];
    }
    out[i] = load_widened(job.data + offset * bytes, job.dtype);
  }
}

// Elements whose channels lie side by side: element e of channel c at e * stride + c.
struct TransposePolicy {
  static constexpr int tile = 32;
  static constexpr int rows_a_block = 8;
};

__device__ __forceinline__ float widened_element(const float* data, std::int64_t i, DType) {
  return data[i];
}
__device__ __forceinline__ float widened_element(const double* data, std::int64_t i, DType) {
  return static_cast<float>(data[i]);
}
__device__ __forceinline__ float widened_element(const std::uint16_t* data, std::int64_t i, DType dtype) {
  return dtype == DType::f16 ? float16_to_float(data[i]) : bfloat16_to_float(data[i]);
}

// A block turns a tile of elements by channels, so that neighbours of a warp read neighbours and write them.
template <class T>
__global__ void __launch_bounds__(TransposePolicy::tile* TransposePolicy::rows_a_block)
    transpose_kernel(const T* __restrict__ data, DType dtype, std::int64_t channels, std::int64_t elements,
                     std::int64_t stride, float* __restrict__ out) {
  constexpr int tile = TransposePolicy::tile;
  constexpr int row_step = TransposePolicy::rows_a_block;
  QCAL_SHARED_ARRAY(float, turned, tile*(tile + 1));  // a column more keeps the banks apart
  const int lane = static_cast<int>(threadIdx.x) % tile;
  const int row = static_cast<int>(threadIdx.x) / tile;
  const std::int64_t channel_tiles = (channels + tile - 1) / tile;
  const std::int64_t tiles = channel_tiles * ((elements + tile - 1) / tile);
  for (std::int64_t at = blockIdx.x; at < tiles; at += gridDim.x) {
    const std::int64_t channel = at % channel_tiles * tile;
    const std::int64_t element = at / channel_tiles * tile;
    for (int e = row; e < tile; e += row_step) {
      if (element + e < elements && channel + lane < channels) {
        turned[lane * (tile + 1) + e] = widened_element(data, (element + e) * stride + channel + lane, dtype);
      }
    }
    __syncthreads();
    for (int c = row; c < tile; c += row_step) {
      if (channel + c < channels && element + lane < elements) {
        out[(channel + c) * elements + element + lane] = turned[c * (tile + 1) + lane];
      }
    }
    __syncthreads();
  }
}

bool is_transposed(const TensorView& view, const ChannelLayout& layout) {
  return layout.channels > 1 && layout.channel_stride == 1 && layout.dimensions.size() == 1 &&
         reinterpret_cast<std::uintptr_t>(view.data) % static_cast<std::uintptr_t>(size_of(view.dtype)) == 0;
}

void transpose(const KernelContext& context, const TensorView& view, const ChannelLayout& layout, float* out) {
  using Policy = TransposePolicy;
  const auto tiles_of = [](std::int64_t count) { return (count + Policy::tile - 1) / Policy::tile; };
  const std::int64_t tiles = tiles_of(layout.channels) * tiles_of(layout.elements);
  const auto blocks = static_cast<unsigned>(std::min<std::int64_t>(tiles, context.processors * 32));
  const auto run = [&](const auto* data) {
    launch(("transpose_kernel of " + context.subject).c_str(), transpose_kernel<std::decay_t<decltype(*data)>>,
           dim3(blocks), dim3(Policy::tile * Policy::rows_a_block), 0, context.stream, data, view.dtype,
           layout.channels, layout.elements, layout.dimensions.front().stride, out);
  };
  switch (view.dtype) {
    case DType::f64:
      return run(static_cast<const double*>(view.data));
    case DType::f32:
      return run(static_cast<const float*>(view.data));
    case DType::f16:
    case DType::bf16:
      return run(static_cast<const std::uint16_t*>(view.data));
  }
}

}  // namespace

std::optional<DeviceRows> direct_rows(const TensorView& view, const ChannelLayout& layout) {
  const auto element = static_cast<std::uintptr_t>(size_of(view.dtype));
  if (view.dtype == DType::f64 || reinterpret_cast<std::uintptr_t>(view.data) % element != 0) return {};
  const std::vector<ChannelLayout::Dimension>& dimensions = layout.dimensions;
  const ChannelLayout::Dimension run = dimensions.back();
  if (dimensions.size() > 2 || (run.stride != 1 && run.extent != 1)) return {};
  if (dimensions.size() == 2 && run.extent < shortest_run) return {};
  DeviceRows rows;
  rows.data = view.data;
  rows.dtype = view.dtype;
  rows.channels = layout.channels;
  rows.channel_stride = layout.channel_stride;
  rows.inner = run.extent;
  if (dimensions.size() == 2) {
    rows.outer = dimensions.front().extent;
    rows.outer_stride = dimensions.front().stride;
  }
  return rows;
}

DeviceRows gather_rows(const KernelContext& context, const TensorView& view, const ChannelLayout& layout,
                       float* out) {
  if (layout.dimensions.size() > most_dimensions) {
    throw InvalidArgument("a view of " + std::to_string(layout.dimensions.size()) +
                          " dimensions that do not merge; the CUDA back end reads up to " +
                          std::to_string(most_dimensions));
  }
  GatherJob job;
  job.data = static_cast<const unsigned char*>(view.data);
  job.dtype = view.dtype;
  job.channels = layout.channels;
  job.channel_stride = layout.channel_stride;
  job.elements = layout.elements;
  job.dimensions = static_cast<int>(layout.dimensions.size());
  for (std::size_t d = 0; d < layout.dimensions.size(); ++d) {
    job.extents[d] = layout.dimensions[d].extent;
    job.strides[d] = layout.dimensions[d].stride;
  }
  DeviceRows rows;
  rows.data = out;
  rows.channels = job.channels;
  rows.channel_stride = job.elements;
  rows.inner = job.elements;
  const std::int64_t total = job.channels * job.elements;
  if (total == 0) return rows;
  if (is_transposed(view, layout)) {
    transpose(context, view, layout, out);
    return rows;
  }
  const std::int64_t blocks = std::min<std::int64_t>((total + gather_threads - 1) / gather_threads,
                                                     context.processors * 16);
  launch(("gather_kernel of " + context.subject).c_str(), gather_kernel, dim3(static_cast<unsigned>(blocks)),
         dim3(gather_threads), 0, context.stream, job, static_cast<int>(size_of(view.dtype)), out);
  return rows;
}

}  // namespace qcal
