#include "python/src/tensor_argument.h"

#include <nanobind/stl/string.h>

#include <optional>

#include "python/src/dlpack_exchange.h"

namespace qcal::python {
namespace {

namespace nb = nanobind;

// DLPack's numbers of device types that host or CUDA code can read.
enum DeviceType { cpu = 1, cuda = 2, cuda_host = 3, cuda_managed = 13 };

std::string name_of_type(nb::handle object) {
  return nb::cast<std::string>(
      nb::handle(reinterpret_cast<PyObject*>(Py_TYPE(object.ptr()))).attr("__name__"));
}

DType dtype_of(nb::dlpack::dtype dtype) {
  if (dtype.lanes == 1) {
    if (dtype.code == static_cast<std::uint8_t>(nb::dlpack::dtype_code::Float)) {
      if (dtype.bits == 32) return DType::f32;
      if (dtype.bits == 16) return DType::f16;
      if (dtype.bits == 64) return DType::f64;
    }
    if (dtype.code == static_cast<std::uint8_t>(nb::dlpack::dtype_code::Bfloat) && dtype.bits == 16)
      return DType::bf16;
  }
  throw nb::type_error("its dtype is not float32, float16, bfloat16 or float64");
}

Memory memory_of(std::int32_t device_type) {
  if (device_type == DeviceType::cpu || device_type == DeviceType::cuda_host) return Memory::host;
  if (device_type == DeviceType::cuda || device_type == DeviceType::cuda_managed) return Memory::device;
  throw nb::type_error("it lies neither in host memory nor on a CUDA device");
}

// Whatever the framework raised, of which the first line says why (torch adds a C++ stack).
[[noreturn]] void refuse_unread(nb::python_error& error) {
  const std::string why = error.what();
  const std::size_t from = why.find(": ");
  const std::size_t start = from == std::string::npos ? 0 : from + 2;
  throw nb::type_error(("it cannot be read: " + why.substr(start, why.find('\n', start) - start)).c_str());
}

// Of the type, where it has that interface in a version that is known.
const ExchangeInterface* exchange_interface(nb::handle object) {
  static PyObject* const attribute = PyUnicode_InternFromString("__dlpack_c_exchange_api__");
  PyObject* found = _PyType_Lookup(Py_TYPE(object.ptr()), attribute);  // borrowed; no exception where absent
  if (found == nullptr || !PyCapsule_IsValid(found, exchange_capsule)) return nullptr;
  const auto* header = static_cast<const ExchangeHeader*>(PyCapsule_GetPointer(found, exchange_capsule));
  while (header != nullptr && header->major != exchange_major_version) header = header->previous;
  const auto* interface = reinterpret_cast<const ExchangeInterface*>(header);
  return interface != nullptr && interface->view_of_object != nullptr ? interface : nullptr;
}

// ml_dtypes' bfloat16 is an array of a type that neither DLPack nor the buffer protocol knows from NumPy.
bool is_numpy_bfloat16(nb::handle object) {
  const nb::object dtype = nb::getattr(object, "dtype", nb::none());
  const nb::object name = nb::getattr(dtype, "name", nb::none());
  return nb::isinstance<nb::str>(name) && nb::cast<std::string>(name) == "bfloat16";
}

// CuPy's current stream; null, CUDA's default one, is what __dlpack__ makes other producers wait for.
Stream stream_of(nb::handle object) {
  const nb::handle type(reinterpret_cast<PyObject*>(Py_TYPE(object.ptr())));
  if (!nb::cast<std::string>(type.attr("__module__")).starts_with("cupy")) return {};
  const nb::object stream = nb::module_::import_("cupy").attr("cuda").attr("get_current_stream")();
  return {reinterpret_cast<void*>(nb::cast<std::uintptr_t>(stream.attr("ptr")))};
}

}  // namespace

TensorArgument::TensorArgument(nb::handle object) {
  if (!exchange(object)) import(object);
}

bool TensorArgument::exchange(nb::handle object) {
  const ExchangeInterface* interface = exchange_interface(object);
  if (interface == nullptr) return false;
  object = detached(object);
  nb::dlpack::dltensor tensor;
  if (interface->view_of_object(object.ptr(), &tensor) != 0) {
    nb::python_error error;
    refuse_unread(error);
  }
  take(tensor);
  if (view_.memory == Memory::host) return true;
  if (interface->current_stream(tensor.device.device_type, tensor.device.device_id, &stream_.handle) != 0)
    throw nb::python_error();
  return true;
}

void TensorArgument::import(nb::handle object) {
  std::optional<DType> dtype;
  if (!nb::try_cast(object, array_)) {
    if (is_numpy_bfloat16(object)) {
      kept_ = object.attr("view")("uint16");
      object = kept_;
      dtype = DType::bf16;
    } else {
      object = detached(object);
    }
    if (!nb::try_cast(object, array_)) {
      throw nb::type_error(
          (name_of_type(object) +
           " offers no tensor by DLPack or the buffer protocol, or none in native byte order")
              .c_str());
    }
  }
  nb::dlpack::dltensor tensor;
  tensor.data = const_cast<void*>(array_.data());  // DLPack has no const; nothing writes through it
  tensor.device = {array_.device_type(), array_.device_id()};
  tensor.ndim = static_cast<std::int32_t>(array_.ndim());
  tensor.dtype = dtype ? nb::dtype<float>() : array_.dtype();
  tensor.shape = const_cast<std::int64_t*>(array_.shape_ptr());
  tensor.strides = const_cast<std::int64_t*>(array_.stride_ptr());
  take(tensor);
  if (dtype) view_.dtype = *dtype;
  if (view_.memory == Memory::device) stream_ = stream_of(object);
}

nb::handle TensorArgument::detached(nb::handle object) {
  if (!nb::hasattr(object, "requires_grad") || !nb::cast<bool>(object.attr("requires_grad"))) return object;
  kept_ = object.attr("detach")();
  return kept_;
}

void TensorArgument::take(const nb::dlpack::dltensor& tensor) {
  view_.data = static_cast<const unsigned char*>(tensor.data) + tensor.byte_offset;
  view_.dtype = dtype_of(tensor.dtype);
  view_.memory = memory_of(tensor.device.device_type);
  view_.shape.assign(tensor.shape, tensor.shape + tensor.ndim);
  if (tensor.strides != nullptr) view_.strides.assign(tensor.strides, tensor.strides + tensor.ndim);
}

TensorArgument named_tensor(const std::string& name, nb::handle object) {
  try {
    return TensorArgument(object);
  } catch (const nb::builtin_exception& error) {
    throw nb::type_error(("tensor \"" + name + "\": " + error.what()).c_str());
  }
}

}  // namespace qcal::python
