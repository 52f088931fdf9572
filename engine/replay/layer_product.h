// Runs the arithmetic of one layer in float32, by a library made for it.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "engine/replay/product_shape.h"
#include "kernels/backend.h"
#include "kernels/error.h"

namespace qcal {

// A layer for inputs of one shape.
class LayerProduct {
 public:
  virtual ~LayerProduct() = default;

  // out = bias + weights * input; all in host memory, C order, of the sizes that the ProductShape says;
  // `bias` holds one value an output channel. Nothing may overlap `out`. Sums are float32, in an order that
  // depends on library and machine: good to some 1e-6 of the largest, and no more. Not thread-safe; uses the
  // library's own threads.
  virtual void compute(std::span<const float> input, std::span<const float> weights,
                       std::span<const float> bias, std::span<float> out) = 0;
};

class ProductLibrary {
 public:
  virtual ~ProductLibrary() = default;

  // Which library, and which version of it: for people.
  virtual std::string name() const = 0;
  // Null where the library does not know such a product: four spatial axes, an output padding of a stride or
  // more. Cost: the library may compile code, some milliseconds.
  virtual std::unique_ptr<LayerProduct> product(const ProductShape& shape) const = 0;
};

// No library here computes layers; the message says what to install.
class MissingLibrary : public Error {
 public:
  using Error::Error;
};

// oneDNN on the CPU. Opened at run time, since linking it would cost every start of a program 30 ms. Throws
// MissingLibrary where it is not there, and where this build was made without its headers.
std::unique_ptr<ProductLibrary> open_cpu_products();
// cuDNN on the calling thread's current CUDA device, without TF32, whose 10 bits would hide what is measured.
// Opened at run time, too; throws MissingLibrary where it is not there or does not start, and where this
// build was made without its headers.
std::unique_ptr<ProductLibrary> open_cuda_products();
// The one for that back end.
std::unique_ptr<ProductLibrary> open_product_library(const Backend& backend);

}  // namespace qcal
