// A stand-in for cuDNN on the emulated device, whose memory is the host's: those of its functions that the
// replay calls, as its reference describes them, in plain loops. It refuses what cuDNN refuses: sides that do
// not fit together, gaps between values, too few axes, uneven groups. Of its ways to compute a convolution it
// has one less for dilated ones, and all want their workspace.
#include <cudnn.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>
#include <type_traits>
#include <vector>

#include "tests/replay/emulated_order.h"

using Extents = std::vector<int>;

struct cudnnContext {};

struct cudnnTensorStruct {
  Extents extents;
};

struct cudnnFilterStruct {
  Extents extents;
};

struct cudnnConvolutionStruct {
  Extents padding;
  Extents strides;
  Extents dilations;
  int groups = 1;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

namespace {

constexpr std::size_t workspace = 20;

template <class Handle>
cudnnStatus_t create(Handle* handle) {
  *handle = new std::remove_pointer_t<Handle>;
  return CUDNN_STATUS_SUCCESS;
}

template <class Handle>
cudnnStatus_t destroy(Handle handle) {
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

bool all_at_least(const Extents& values, int least) {
  return std::ranges::all_of(values, [least](int value) { return value >= least; });
}

// The gradient of a convolution uses the same descriptors: `image` is its input, `windows` its output.
cudnnStatus_t judge(const Extents& image, const Extents& filter, const cudnnConvolutionStruct& how,
                    const Extents& windows) {
  const std::size_t rank = how.padding.size() + 2;
  if (image.size() != rank || filter.size() != rank || windows.size() != rank) return CUDNN_STATUS_BAD_PARAM;
  if (how.math != CUDNN_FMA_MATH) return CUDNN_STATUS_NOT_SUPPORTED;  // TF32 would be on
  if (image[0] != windows[0] || image[1] != filter[1] * how.groups || windows[1] != filter[0] ||
      filter[0] % how.groups != 0)
    return CUDNN_STATUS_BAD_PARAM;
  for (std::size_t i = 2; i < rank; ++i) {
    const int reach = how.dilations[i - 2] * (filter[i] - 1) + 1;
    const int room = image[i] + 2 * how.padding[i - 2] - reach;
    if (room < 0 || windows[i] != room / how.strides[i - 2] + 1) return CUDNN_STATUS_BAD_PARAM;
  }
  return CUDNN_STATUS_SUCCESS;
}

bool is_dilated(const cudnnConvolutionStruct& how) {
  return !std::ranges::all_of(how.dilations, [](int dilation) { return dilation == 1; });
}

int volume(const Extents& extents) {
  return std::accumulate(extents.begin(), extents.end(), 1, std::multiplies<>());
}

Extents plane(const Extents& extents) {
  return {extents.begin() + 2, extents.end()};
}

// The coordinates of a value in C order.
Extents unravel(int index, const Extents& extents) {
  Extents at(extents.size());
  for (std::size_t i = extents.size(); i-- > 0; index /= extents[i]) at[i] = index % extents[i];
  return at;
}

// Calls visit(image value, filter value, window), indices of values in C order, for each that meet.
template <class Visit>
void for_each_product(const Extents& image, const Extents& filter, const cudnnConvolutionStruct& how,
                      const Extents& windows, const Visit& visit) {
  const Extents image_plane = plane(image), filter_plane = plane(filter), window_plane = plane(windows);
  const int group_outputs = filter[0] / how.groups;
  for (int w = 0; w < volume(windows); ++w) {
    const int sample = w / volume(window_plane) / windows[1];
    const int output = w / volume(window_plane) % windows[1];
    const Extents window = unravel(w % volume(window_plane), window_plane);
    for (int f = 0; f < filter[1] * volume(filter_plane); ++f) {
      const Extents offset = unravel(f % volume(filter_plane), filter_plane);
      const int channel = output / group_outputs * filter[1] + f / volume(filter_plane);
      int at = sample * image[1] + channel;
      bool inside = true;
      for (std::size_t i = 0; i < offset.size(); ++i) {
        const int place = window[i] * how.strides[i] - how.padding[i] + offset[i] * how.dilations[i];
        inside = inside && place >= 0 && place < image_plane[i];
        at = at * image_plane[i] + place;
      }
      if (inside) visit(at, output * filter[1] * volume(filter_plane) + f, w);
    }
  }
}

struct Memory {
  void* at;
  std::size_t bytes;
};

// A product about to be computed: as judge() says, with its workspace, which is then written to, and with
// alpha * product + beta * what was there, of which this one knows 1 and 0.
cudnnStatus_t judge_call(cudnnStatus_t verdict, const Memory& space, const void* alpha, const void* beta) {
  if (verdict != CUDNN_STATUS_SUCCESS) return verdict;
  const bool overwrites =
      *static_cast<const float*>(alpha) == 1.0F && *static_cast<const float*>(beta) == 0.0F;
  if (space.at == nullptr || space.bytes < workspace || !overwrites) return CUDNN_STATUS_BAD_PARAM;
  std::memset(space.at, 0xff, workspace);
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

size_t cudnnGetVersion() {
  return 91900;
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  return status == CUDNN_STATUS_SUCCESS ? "CUDNN_STATUS_SUCCESS" : "refused by the stand-in for cuDNN";
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  return create(handle);
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  return destroy(handle);
}
cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* descriptor) {
  return create(descriptor);
}
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor) {
  return destroy(descriptor);
}
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* descriptor) {
  return create(descriptor);
}
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t descriptor) {
  return destroy(descriptor);
}
cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* descriptor) {
  return create(descriptor);
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t descriptor) {
  return destroy(descriptor);
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t descriptor, cudnnDataType_t type, int rank,
                                         const int extents[], const int strides[]) {
  if (type != CUDNN_DATA_FLOAT || rank < 4 || rank > 5) return CUDNN_STATUS_NOT_SUPPORTED;
  descriptor->extents.assign(extents, extents + rank);
  if (!all_at_least(descriptor->extents, 1)) return CUDNN_STATUS_BAD_PARAM;
  for (int i = rank - 1, dense = 1; i >= 0; dense *= extents[i--])
    if (strides[i] != dense) return CUDNN_STATUS_NOT_SUPPORTED;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetFilterNdDescriptor(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int rank, const int extents[]) {
  if (type != CUDNN_DATA_FLOAT || format != CUDNN_TENSOR_NCHW || rank < 4 || rank > 5)
    return CUDNN_STATUS_NOT_SUPPORTED;
  descriptor->extents.assign(extents, extents + rank);
  return all_at_least(descriptor->extents, 1) ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnSetConvolutionNdDescriptor(cudnnConvolutionDescriptor_t descriptor, int axes,
                                              const int padding[], const int strides[], const int dilations[],
                                              cudnnConvolutionMode_t mode, cudnnDataType_t type) {
  if (mode != CUDNN_CROSS_CORRELATION || type != CUDNN_DATA_FLOAT || axes < 2 || axes > 3)
    return CUDNN_STATUS_NOT_SUPPORTED;
  descriptor->padding.assign(padding, padding + axes);
  descriptor->strides.assign(strides, strides + axes);
  descriptor->dilations.assign(dilations, dilations + axes);
  const bool is_valid = all_at_least(descriptor->padding, 0) && all_at_least(descriptor->strides, 1) &&
                        all_at_least(descriptor->dilations, 1);
  return is_valid ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t descriptor, int groups) {
  descriptor->groups = groups;
  return groups >= 1 ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t descriptor, cudnnMathType_t math) {
  descriptor->math = math;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t, const cudnnTensorDescriptor_t x,
                                                      const cudnnFilterDescriptor_t w,
                                                      const cudnnConvolutionDescriptor_t how,
                                                      const cudnnTensorDescriptor_t y,
                                                      cudnnConvolutionFwdAlgo_t algorithm, size_t* bytes) {
  if (is_dilated(*how) && algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM)
    return CUDNN_STATUS_NOT_SUPPORTED;
  finish_what_waits();
  *bytes = workspace;
  return judge(x->extents, w->extents, *how, y->extents);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t, const void* alpha,
                                      const cudnnTensorDescriptor_t x_layout, const void* x,
                                      const cudnnFilterDescriptor_t w_layout, const void* w,
                                      const cudnnConvolutionDescriptor_t how,
                                      cudnnConvolutionFwdAlgo_t algorithm, void* space, size_t space_bytes,
                                      const void* beta, const cudnnTensorDescriptor_t y_layout, void* y) {
  const cudnnStatus_t verdict =
      judge_call(judge(x_layout->extents, w_layout->extents, *how, y_layout->extents), {space, space_bytes},
                 alpha, beta);
  if (verdict != CUDNN_STATUS_SUCCESS) return verdict;
  if (is_dilated(*how) && algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM)
    return CUDNN_STATUS_NOT_SUPPORTED;
  finish_what_waits();  // cuDNN works in the order of its stream, and these loops at once
  const auto* const image = static_cast<const float*>(x);
  const auto* const filter = static_cast<const float*>(w);
  auto* const windows = static_cast<float*>(y);
  std::fill_n(windows, volume(y_layout->extents), 0.0F);
  for_each_product(x_layout->extents, w_layout->extents, *how, y_layout->extents,
                   [&](int i, int f, int o) { windows[o] += image[i] * filter[f]; });
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t, const cudnnFilterDescriptor_t w,
                                                           const cudnnTensorDescriptor_t dy,
                                                           const cudnnConvolutionDescriptor_t how,
                                                           const cudnnTensorDescriptor_t dx,
                                                           cudnnConvolutionBwdDataAlgo_t, size_t* bytes) {
  *bytes = workspace;
  return judge(dx->extents, w->extents, *how, dy->extents);
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t, const void* alpha,
                                           const cudnnFilterDescriptor_t w_layout, const void* w,
                                           const cudnnTensorDescriptor_t dy_layout, const void* dy,
                                           const cudnnConvolutionDescriptor_t how,
                                           cudnnConvolutionBwdDataAlgo_t, void* space, size_t space_bytes,
                                           const void* beta, const cudnnTensorDescriptor_t dx_layout,
                                           void* dx) {
  const cudnnStatus_t verdict =
      judge_call(judge(dx_layout->extents, w_layout->extents, *how, dy_layout->extents), {space, space_bytes},
                 alpha, beta);
  if (verdict != CUDNN_STATUS_SUCCESS) return verdict;
  finish_what_waits();
  const auto* const windows = static_cast<const float*>(dy);
  const auto* const filter = static_cast<const float*>(w);
  auto* const image = static_cast<float*>(dx);
  std::fill_n(image, volume(dx_layout->extents), 0.0F);
  for_each_product(dx_layout->extents, w_layout->extents, *how, dy_layout->extents,
                   [&](int i, int f, int o) { image[i] += windows[o] * filter[f]; });
  return CUDNN_STATUS_SUCCESS;
}
