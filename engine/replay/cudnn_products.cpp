// Layers computed by cuDNN on a GPU. A matrix product is a convolution whose windows are single values.
#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/replay/cudnn_functions.h"
#include "engine/replay/even_padding.h"
#include "engine/replay/layer_product.h"
#include "engine/replay/owned_handle.h"
#include "kernels/device_floats.h"

namespace qcal {
namespace {

constexpr std::size_t fewest_axes = 2;  // cuDNN's
constexpr std::size_t most_axes = 3;

template <class Handle>
using Owned = OwnedHandle<Handle, cudnnStatus_t>;
using Context = Owned<cudnnHandle_t>;
using TensorDescriptor = Owned<cudnnTensorDescriptor_t>;
using FilterDescriptor = Owned<cudnnFilterDescriptor_t>;
using ConvolutionDescriptor = Owned<cudnnConvolutionDescriptor_t>;

// What every call needs; outlives all that is made with it.
struct Library {
  CudnnFunctions call = open_cudnn();
  Context context;
  std::unique_ptr<HostLink> link;

  Library() {
    cudnnHandle_t handle = nullptr;
    if (const cudnnStatus_t status = call.create(&handle); status != CUDNN_STATUS_SUCCESS) {
      throw MissingLibrary(fmt::format("cuDNN computes the layers on a GPU, but it does not start: {}",
                                       call.get_error_string(status)));
    }
    context = Context(handle, call.destroy);
    link = std::make_unique<HostLink>();
  }

  void check(cudnnStatus_t status, const char* what) const {
    if (status != CUDNN_STATUS_SUCCESS)
      throw Error(fmt::format("cuDNN: {}: {}", what, call.get_error_string(status)));
  }

  template <class Handle>
  Owned<Handle> made(const char* otherwise, cudnnStatus_t (*create)(Handle*),
                     cudnnStatus_t (*destroy)(Handle)) const {
    Handle handle = nullptr;
    check(create(&handle), otherwise);
    return {handle, destroy};
  }
};

// A product as a convolution, or as the gradient of one towards its input, which a transposed convolution is.
struct Window {
  bool is_transposed = false;
  std::vector<EvenAxis> axes;
  // cuDNN's arguments. `padded` is the side with padding.
  std::vector<int> padded;
  std::vector<int> filter;
  std::vector<int> windows;
  std::vector<int> padding;
  std::vector<int> strides;
  std::vector<int> dilations;
  int groups = 1;
};

std::size_t count_of(const std::vector<int>& extents) {
  return std::accumulate(extents.begin(), extents.end(), std::size_t{1}, [](std::size_t product, int extent) {
    return product * static_cast<std::size_t>(extent);
  });
}

// An int; absent where it would not be one.
std::optional<int> narrow(std::int64_t value) {
  if (value < 0 || value > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(value);
}

// False where a number is too large for cuDNN.
bool append(std::vector<int>& to, std::initializer_list<std::int64_t> values) {
  for (const std::int64_t value : values) {
    const auto narrowed = narrow(value);
    if (!narrowed) return false;
    to.push_back(*narrowed);
  }
  return true;
}

// Absent where cuDNN does not know such a product.
std::optional<Window> window_of(const ProductShape& shape) {
  if (shape.axes.size() > most_axes || shape.input_size() == 0 || shape.output_size() == 0)
    return std::nullopt;
  Window window;
  window.is_transposed = shape.kind == ProductShape::Kind::transposed;
  const std::int64_t padded_channels = window.is_transposed ? shape.outputs : shape.inputs;
  const std::int64_t window_channels = window.is_transposed ? shape.inputs : shape.outputs;
  bool fits = append(window.padded, {shape.samples, padded_channels}) &&
              append(window.windows, {shape.samples, window_channels}) &&
              append(window.filter, {window_channels, padded_channels / shape.groups});
  std::vector<WindowAxis> axes = shape.axes;
  while (axes.size() < fewest_axes) axes.push_back({.input = 1, .output = 1, .kernel = 1});
  for (const WindowAxis& axis : axes) {
    const auto even = even_axis(axis, window.is_transposed);
    if (!even) return std::nullopt;
    window.axes.push_back(*even);
    fits = fits && append(window.padded, {even->fitted}) &&
           append(window.windows, {window.is_transposed ? axis.input : axis.output}) &&
           append(window.filter, {axis.kernel}) && append(window.padding, {even->padding}) &&
           append(window.strides, {axis.stride}) && append(window.dilations, {axis.dilation});
  }
  const auto groups = narrow(shape.groups);
  const std::size_t most = std::numeric_limits<int>::max();
  if (!fits || !groups || count_of(window.padded) > most || count_of(window.windows) > most)
    return std::nullopt;
  window.groups = *groups;
  return window;
}

// What a convolution is called with.
struct Descriptors {
  TensorDescriptor padded;
  FilterDescriptor filter;
  TensorDescriptor windows;
  ConvolutionDescriptor convolution;
};

TensorDescriptor tensor(const Library& library, const std::vector<int>& extents) {
  const CudnnFunctions& call = library.call;
  auto descriptor = library.made("no tensor", call.create_tensor_descriptor, call.destroy_tensor_descriptor);
  std::vector<int> strides(extents.size(), 1);
  for (std::size_t i = extents.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * extents[i + 1];
  library.check(
      call.set_tensor_nd_descriptor(descriptor.get(), CUDNN_DATA_FLOAT, static_cast<int>(extents.size()),
                                    extents.data(), strides.data()),
      "no layout");
  return descriptor;
}

Descriptors descriptors(const Library& library, const Window& window) {
  const CudnnFunctions& call = library.call;
  Descriptors result{tensor(library, window.padded),
                     library.made("no filter", call.create_filter_descriptor, call.destroy_filter_descriptor),
                     tensor(library, window.windows),
                     library.made("no convolution", call.create_convolution_descriptor,
                                  call.destroy_convolution_descriptor)};
  library.check(call.set_filter_nd_descriptor(result.filter.get(), CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW,
                                              static_cast<int>(window.filter.size()), window.filter.data()),
                "no layout of weights");
  cudnnConvolutionDescriptor_t convolution = result.convolution.get();
  library.check(
      call.set_convolution_nd_descriptor(convolution, static_cast<int>(window.axes.size()),
                                         window.padding.data(), window.strides.data(),
                                         window.dilations.data(), CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
      "no such convolution");
  library.check(call.set_convolution_group_count(convolution, window.groups), "no such groups");
  library.check(call.set_convolution_math_type(convolution, CUDNN_FMA_MATH), "TF32 stays on");
  return result;
}

// How to compute: sums of products, not transforms (Winograd, FFT), whose error no bound on sums covers.
struct Method {
  cudnnConvolutionFwdAlgo_t forward{};
  cudnnConvolutionBwdDataAlgo_t backward{};
  std::size_t workspace_bytes = 0;
};

std::optional<Method> method(const Library& library, const Window& window, const Descriptors& of) {
  const CudnnFunctions& call = library.call;
  cudnnHandle_t context = library.context.get();
  Method result;
  if (window.is_transposed) {
    result.backward = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;  // the one whose order of sums does not vary
    if (call.get_convolution_backward_data_workspace_size(
            context, of.filter.get(), of.windows.get(), of.convolution.get(), of.padded.get(),
            result.backward, &result.workspace_bytes) != CUDNN_STATUS_SUCCESS)
      return std::nullopt;
    return result;
  }
  for (const auto algorithm :
       {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM}) {
    result.forward = algorithm;
    if (call.get_convolution_forward_workspace_size(context, of.padded.get(), of.filter.get(),
                                                    of.convolution.get(), of.windows.get(), algorithm,
                                                    &result.workspace_bytes) == CUDNN_STATUS_SUCCESS)
      return result;
  }
  return std::nullopt;
}

std::size_t floats_in(std::size_t bytes) {
  return (bytes + sizeof(float) - 1) / sizeof(float);
}

class CudnnProduct final : public LayerProduct {
 public:
  CudnnProduct(std::shared_ptr<const Library> library, const ProductShape& shape, Window window,
               Descriptors descriptors, const Method& method)
      : library_(std::move(library)),
        shape_(shape),
        window_(std::move(window)),
        descriptors_(std::move(descriptors)),
        method_(method),
        padded_(count_of(window_.padded)),
        filter_(count_of(window_.filter)),
        windows_(count_of(window_.windows)),
        workspace_(floats_in(method.workspace_bytes)) {}

  void compute(std::span<const float> input, std::span<const float> weights, std::span<const float> bias,
               std::span<float> out) override {
    upload(outputs_first(weights), filter_);
    if (window_.is_transposed) {
      upload(input, windows_);
      transposed_convolution();
      take_padded(out);
    } else {
      put_padded(input);
      convolution();
      download(windows_, out);
    }
    const std::size_t plane = out.size() / static_cast<std::size_t>(shape_.samples * shape_.outputs);
    tbb::parallel_for(std::size_t{0}, out.size() / plane, [&](std::size_t channel) {
      for (float& value : out.subspan(channel * plane, plane)) value += bias[channel % bias.size()];
    });
  }

 private:
  std::span<const float> outputs_first(std::span<const float> weights) {
    if (shape_.kind != ProductShape::Kind::matrix || shape_.outputs_first) return weights;
    const auto inputs = static_cast<std::size_t>(shape_.inputs);
    const auto outputs = static_cast<std::size_t>(shape_.outputs);
    room_.resize(weights.size());
    for (std::size_t i = 0; i < inputs; ++i)
      for (std::size_t o = 0; o < outputs; ++o) room_[o * inputs + i] = weights[i * outputs + o];
    return room_;
  }

  void put_padded(std::span<const float> values) {
    if (is_as_given(window_.axes)) return upload(values, padded_);
    room_.resize(padded_.count());
    fit(values, window_.axes, room_);
    upload(room_, padded_);
  }
  void take_padded(std::span<float> values) {
    if (is_as_given(window_.axes)) return download(padded_, values);
    room_.resize(padded_.count());
    download(padded_, room_);
    cut_out(room_, window_.axes, values);
  }

  void upload(std::span<const float> values, const DeviceFloats& to) const {
    library_->link->upload(values, to.data());
  }
  void download(const DeviceFloats& from, std::span<float> values) const {
    library_->link->download(from.data(), values);
  }

  void convolution() const {
    library_->check(
        library_->call.convolution_forward(
            library_->context.get(), &one, descriptors_.padded.get(), padded_.data(),
            descriptors_.filter.get(), filter_.data(), descriptors_.convolution.get(), method_.forward,
            workspace_.data(), method_.workspace_bytes, &zero, descriptors_.windows.get(), windows_.data()),
        "a convolution was not computed");
  }
  void transposed_convolution() const {
    library_->check(
        library_->call.convolution_backward_data(
            library_->context.get(), &one, descriptors_.filter.get(), filter_.data(),
            descriptors_.windows.get(), windows_.data(), descriptors_.convolution.get(), method_.backward,
            workspace_.data(), method_.workspace_bytes, &zero, descriptors_.padded.get(), padded_.data()),
        "a transposed convolution was not computed");
  }

  static constexpr float one = 1.0F;
  static constexpr float zero = 0.0F;

  std::shared_ptr<const Library> library_;
  ProductShape shape_;
  Window window_;
  Descriptors descriptors_;
  Method method_;
  DeviceFloats padded_;
  DeviceFloats filter_;
  DeviceFloats windows_;
  DeviceFloats workspace_;
  std::vector<float> room_;
};

class CudnnProducts final : public ProductLibrary {
 public:
  std::string name() const override {
    const std::size_t version = library_->call.get_version();
    return fmt::format("cuDNN {}.{}.{}", version / 10000, version / 100 % 100, version % 100);
  }

  std::unique_ptr<LayerProduct> product(const ProductShape& shape) const override {
    auto window = window_of(shape);
    if (!window) return nullptr;
    Descriptors made = descriptors(*library_, *window);
    const auto how = method(*library_, *window, made);
    if (!how) return nullptr;
    return std::make_unique<CudnnProduct>(library_, shape, *std::move(window), std::move(made), *how);
  }

 private:
  std::shared_ptr<const Library> library_ = std::make_shared<Library>();
};

}  // namespace

std::unique_ptr<ProductLibrary> open_cuda_products() {
  return std::make_unique<CudnnProducts>();
}

}  // namespace qcal
