// A tensor that Python hands over, read where it lies.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <string>

#include "kernels/stream.h"
#include "kernels/tensor_view.h"

namespace qcal::python {

// Whatever offers DLPack or the buffer protocol: NumPy, torch, CuPy; float32, float16, bfloat16 or float64,
// any strides, host memory or a CUDA device's. Nothing is copied, save that a torch tensor that requires a
// gradient is detached. Where the type offers DLPack's C exchange interface (torch since 2.10), no Python
// code runs.
//
// Keeps what it needs alive; `object` must outlive it. Throws TypeError (nb::type_error) for anything else,
// without naming the argument: the caller knows its name.
class TensorArgument {
 public:
  explicit TensorArgument(nanobind::handle object);

  const TensorView& view() const { return view_; }
  // Device tensors: the framework's current stream, on which their values are ready.
  Stream stream() const { return stream_; }

 private:
  bool exchange(nanobind::handle object);
  void import(nanobind::handle object);
  // The tensor without its gradient, which would keep it from being read.
  nanobind::handle detached(nanobind::handle object);
  void take(const nanobind::dlpack::dltensor& tensor);

  TensorView view_;
  Stream stream_;
  nanobind::object kept_;
  nanobind::ndarray<nanobind::ro> array_;
};

// The same, with the tensor's name in front of what it throws.
TensorArgument named_tensor(const std::string& name, nanobind::handle object);

}  // namespace qcal::python
