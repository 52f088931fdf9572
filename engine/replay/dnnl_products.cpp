// Layers computed by oneDNN on the CPU.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/replay/dnnl_functions.h"
#include "engine/replay/layer_product.h"
#include "engine/replay/owned_handle.h"
#include "kernels/error.h"

namespace qcal {
namespace {

constexpr std::size_t most_axes = 3;
// A thread must have so much to do. With less, waiting for each other takes longer: four times as long in all
// on small networks with two cores, and far more where other programs run.
constexpr double multiply_adds_of_thread = 8e6;

void check(dnnl_status_t status, const char* what) {
  if (status != dnnl_success)
    throw Error(fmt::format("oneDNN: {}: status {}", what, static_cast<int>(status)));
}

template <class Handle>
using Owned = OwnedHandle<Handle, dnnl_status_t>;
using Engine = Owned<dnnl_engine_t>;
using Stream = Owned<dnnl_stream_t>;
using Memory = Owned<dnnl_memory_t>;
using Primitive = Owned<dnnl_primitive_t>;
using PrimitiveDescriptor = Owned<dnnl_primitive_desc_t>;

// What every call needs; outlives all that is made with it.
struct Library {
  DnnlFunctions call = open_dnnl();
  Engine engine;
  Stream stream;

  Library() {
    dnnl_engine_t new_engine = nullptr;
    check(call.engine_create(&new_engine, dnnl_cpu, 0), "no engine");
    engine = Engine(new_engine, call.engine_destroy);
    dnnl_stream_t new_stream = nullptr;
    check(call.stream_create(&new_stream, new_engine, dnnl_stream_default_flags), "no stream");
    stream = Stream(new_stream, call.stream_destroy);
  }

  Memory memory(const dnnl_memory_desc_t& layout, void* handle) const {
    dnnl_memory_t made = nullptr;
    check(call.memory_create(&made, &layout, engine.get(), handle), "no memory");
    return {made, call.memory_destroy};
  }
  Primitive primitive(const PrimitiveDescriptor& descriptor) const {
    dnnl_primitive_t made = nullptr;
    check(call.primitive_create(&made, descriptor.get()), "no primitive");
    return {made, call.primitive_destroy};
  }
  void execute(const Primitive& primitive, const std::vector<dnnl_exec_arg_t>& arguments) const {
    check(call.primitive_execute(primitive.get(), stream.get(), static_cast<int>(arguments.size()),
                                 arguments.data()),
          "not executed");
    check(call.stream_wait(stream.get()), "not finished");
  }
};

// For as long as it lives, this thread's calls use as many threads as a product is worth, and at most as many
// as before.
class ThreadLimit {
 public:
  ThreadLimit(const DnnlFunctions& call, double multiply_adds) : call_(call) {
    if (call.omp_get_max_threads == nullptr || call.omp_set_num_threads == nullptr) return;
    before_ = call.omp_get_max_threads();
    const double worth =
        std::clamp(multiply_adds / multiply_adds_of_thread, 1.0, static_cast<double>(before_));
    call.omp_set_num_threads(static_cast<int>(worth));
  }
  ~ThreadLimit() {
    if (before_ > 0) call_.omp_set_num_threads(before_);
  }
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  const DnnlFunctions& call_;
  int before_ = 0;
};

// A tensor as the caller lays it out, and the same with the layout left to the primitive.
struct Tensor {
  dnnl_memory_desc_t callers{};
  dnnl_memory_desc_t any{};
};

struct Dimension {
  std::int64_t extent = 1;
  std::int64_t stride = 1;
};

Tensor tensor(const DnnlFunctions& call, const std::vector<Dimension>& dimensions) {
  dnnl_dims_t extents{};
  dnnl_dims_t strides{};
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    extents[i] = dimensions[i].extent;
    strides[i] = dimensions[i].stride;
  }
  const int rank = static_cast<int>(dimensions.size());
  Tensor result;
  check(call.memory_desc_init_by_strides(&result.callers, rank, extents, dnnl_f32, strides), "no layout");
  check(call.memory_desc_init_by_tag(&result.any, rank, extents, dnnl_f32, dnnl_format_tag_any), "no layout");
  return result;
}

// In C order.
std::vector<Dimension> dense(const std::vector<std::int64_t>& extents) {
  std::vector<Dimension> dimensions(extents.size());
  std::int64_t stride = 1;
  for (std::size_t i = extents.size(); i-- > 0;) {
    dimensions[i] = {extents[i], stride};
    stride *= extents[i];
  }
  return dimensions;
}

std::vector<std::int64_t> with_axes(std::vector<std::int64_t> extents, const ProductShape& shape,
                                    std::int64_t WindowAxis::*extent) {
  for (const WindowAxis& axis : shape.axes) extents.push_back(axis.*extent);
  return extents;
}

// [groups, outputs of a group, inputs of a group, kernel...], as the library counts dimensions.
std::vector<Dimension> window_weights(const ProductShape& shape) {
  const std::int64_t inputs = shape.inputs / shape.groups;
  const std::int64_t outputs = shape.outputs / shape.groups;
  const bool is_transposed = shape.kind == ProductShape::Kind::transposed;
  auto dimensions =
      dense(with_axes({shape.groups, is_transposed ? inputs : outputs, is_transposed ? outputs : inputs},
                      shape, &WindowAxis::kernel));
  if (is_transposed) std::swap(dimensions[1], dimensions[2]);
  return dimensions;
}

struct Operands {
  Tensor source;
  Tensor weights;
  Tensor bias;
  Tensor destination;
};

Operands operands(const DnnlFunctions& call, const ProductShape& shape) {
  if (shape.kind == ProductShape::Kind::matrix) {
    auto weights = dense(shape.outputs_first ? std::vector{shape.outputs, shape.inputs}
                                             : std::vector{shape.inputs, shape.outputs});
    if (shape.outputs_first) std::swap(weights[0], weights[1]);
    return {tensor(call, dense({shape.samples, shape.inputs})), tensor(call, weights),
            tensor(call, dense({1, shape.outputs})), tensor(call, dense({shape.samples, shape.outputs}))};
  }
  return {tensor(call, dense(with_axes({shape.samples, shape.inputs}, shape, &WindowAxis::input))),
          tensor(call, window_weights(shape)), tensor(call, dense({shape.outputs})),
          tensor(call, dense(with_axes({shape.samples, shape.outputs}, shape, &WindowAxis::output)))};
}

struct WindowArguments {
  dnnl_dims_t strides{};
  dnnl_dims_t dilations{};  // counted from 0
  dnnl_dims_t before{};
  dnnl_dims_t after{};
};

WindowArguments window_arguments(const ProductShape& shape) {
  WindowArguments result;
  for (std::size_t i = 0; i < shape.axes.size(); ++i) {
    const WindowAxis& axis = shape.axes[i];
    // Transposed, the roles of input and output are those of the convolution that it is the gradient of.
    const bool is_transposed = shape.kind == ProductShape::Kind::transposed;
    const std::int64_t longer = is_transposed ? axis.input : axis.output;
    const std::int64_t shorter = is_transposed ? axis.output : axis.input;
    const std::int64_t covered = (longer - 1) * axis.stride + axis.reach();
    result.strides[i] = axis.stride;
    result.dilations[i] = axis.dilation - 1;
    result.before[i] = axis.pad_before;
    result.after[i] = std::max<std::int64_t>(0, covered - shorter - axis.pad_before);
  }
  return result;
}

// Null where the library does not know such a product.
PrimitiveDescriptor descriptor(const Library& library, const ProductShape& shape, const Operands& layouts) {
  const DnnlFunctions& call = library.call;
  WindowArguments window = window_arguments(shape);
  const auto made = [&](const auto& operation) {
    dnnl_primitive_desc_t result = nullptr;
    if (call.primitive_desc_create(&result, &operation, nullptr, library.engine.get(), nullptr) !=
        dnnl_success)
      return PrimitiveDescriptor{};
    return PrimitiveDescriptor{result, call.primitive_desc_destroy};
  };
  const auto window_product = [&](auto operation, auto init, dnnl_alg_kind_t algorithm) {
    const dnnl_status_t status = init(&operation, dnnl_forward_inference, algorithm, &layouts.source.any,
                                      &layouts.weights.any, &layouts.bias.any, &layouts.destination.any,
                                      window.strides, window.dilations, window.before, window.after);
    return status == dnnl_success ? made(operation) : PrimitiveDescriptor{};
  };
  if (shape.kind == ProductShape::Kind::convolution)
    return window_product(dnnl_convolution_desc_t{}, call.convolution_desc_init, dnnl_convolution_direct);
  if (shape.kind == ProductShape::Kind::transposed)
    return window_product(dnnl_deconvolution_desc_t{}, call.deconvolution_desc_init,
                          dnnl_deconvolution_direct);
  dnnl_matmul_desc_t operation{};
  const dnnl_status_t status = call.matmul_desc_init(&operation, &layouts.source.any, &layouts.weights.any,
                                                     &layouts.bias.any, &layouts.destination.any);
  return status == dnnl_success ? made(operation) : PrimitiveDescriptor{};
}

// One argument of a primitive: the caller's memory, and its copy in the layout that the primitive prefers.
class Argument {
 public:
  enum class Direction { in, out };

  Argument(const Library& library, const Tensor& tensor, const dnnl_memory_desc_t& preferred,
           Direction direction)
      : library_(library), direction_(direction), callers_(library.memory(tensor.callers, DNNL_MEMORY_NONE)) {
    if (library.call.memory_desc_equal(&tensor.callers, &preferred) != 0) return;
    preferred_ = library.memory(preferred, DNNL_MEMORY_ALLOCATE);
    const bool is_in = direction == Direction::in;
    dnnl_primitive_desc_t made = nullptr;
    check(library.call.reorder_primitive_desc_create(
              &made, is_in ? &tensor.callers : &preferred, library.engine.get(),
              is_in ? &preferred : &tensor.callers, library.engine.get(), nullptr),
          "no change of layout");
    reorder_ = library.primitive(PrimitiveDescriptor{made, library.call.primitive_desc_destroy});
  }

  // To be called ahead of the primitive; input is only read.
  dnnl_memory_t begin(const float* values) {
    check(library_.call.memory_set_data_handle(callers_.get(), const_cast<float*>(values)), "no data");
    if (!preferred_) return callers_.get();
    if (direction_ == Direction::in) reorder(callers_, preferred_);
    return preferred_.get();
  }
  // And behind it.
  void end() {
    if (preferred_ && direction_ == Direction::out) reorder(preferred_, callers_);
  }

 private:
  void reorder(const Memory& from, const Memory& to) {
    library_.execute(reorder_, {{DNNL_ARG_FROM, from.get()}, {DNNL_ARG_TO, to.get()}});
  }

  const Library& library_;
  Direction direction_;
  Memory callers_;
  Memory preferred_;
  Primitive reorder_;
};

class DnnlProduct final : public LayerProduct {
 public:
  DnnlProduct(std::shared_ptr<const Library> library, const PrimitiveDescriptor& descriptor,
              const Operands& layouts, double multiply_adds)
      : library_(std::move(library)),
        multiply_adds_(multiply_adds),
        primitive_(library_->primitive(descriptor)),
        source_(*library_, layouts.source, preferred(descriptor, dnnl_query_src_md), Argument::Direction::in),
        weights_(*library_, layouts.weights, preferred(descriptor, dnnl_query_weights_md),
                 Argument::Direction::in),
        bias_(*library_, layouts.bias, preferred(descriptor, dnnl_query_weights_md, 1),
              Argument::Direction::in),
        destination_(*library_, layouts.destination, preferred(descriptor, dnnl_query_dst_md),
                     Argument::Direction::out) {}

  void compute(std::span<const float> input, std::span<const float> weights, std::span<const float> bias,
               std::span<float> out) override {
    const ThreadLimit limit(library_->call, multiply_adds_);
    library_->execute(primitive_, {{DNNL_ARG_SRC, source_.begin(input.data())},
                                   {DNNL_ARG_WEIGHTS, weights_.begin(weights.data())},
                                   {DNNL_ARG_BIAS, bias_.begin(bias.data())},
                                   {DNNL_ARG_DST, destination_.begin(out.data())}});
    destination_.end();
  }

 private:
  const dnnl_memory_desc_t& preferred(const PrimitiveDescriptor& descriptor, dnnl_query_t what,
                                      int index = 0) const {
    const dnnl_memory_desc_t* layout = library_->call.primitive_desc_query_md(descriptor.get(), what, index);
    if (layout == nullptr) throw Error("oneDNN: no layout of an argument");
    return *layout;
  }

  std::shared_ptr<const Library> library_;
  double multiply_adds_;
  Primitive primitive_;
  Argument source_;
  Argument weights_;
  Argument bias_;
  Argument destination_;
};

class DnnlProducts final : public ProductLibrary {
 public:
  std::string name() const override {
    const dnnl_version_t* version = library_->call.version();
    return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
  }

  std::unique_ptr<LayerProduct> product(const ProductShape& shape) const override {
    if (shape.axes.size() > most_axes) return nullptr;
    const ThreadLimit limit(library_->call, shape.multiply_adds());
    const Operands layouts = operands(library_->call, shape);
    const PrimitiveDescriptor found = descriptor(*library_, shape, layouts);
    if (!found) return nullptr;
    return std::make_unique<DnnlProduct>(library_, found, layouts, shape.multiply_adds());
  }

 private:
  std::shared_ptr<const Library> library_ = std::make_shared<Library>();
};

}  // namespace

std::unique_ptr<ProductLibrary> open_cpu_products() {
  return std::make_unique<DnnlProducts>();
}

}  // namespace qcal
