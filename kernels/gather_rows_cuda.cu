// Copies strided, misaligned or float64 tensors to float32 rows.
#include <algorithm>
#include <string>

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
  const std::int64_t blocks = std::min<std::int64_t>((total + gather_threads - 1) / gather_threads,
                                                     context.processors * 16);
  launch(("gather_kernel of " + context.subject).c_str(), gather_kernel, dim3(static_cast<unsigned>(blocks)),
         dim3(gather_threads), 0, context.stream, job, static_cast<int>(size_of(view.dtype)), out);
  return rows;
}

}  // namespace qcal
