#include "engine/replay/layer_product.h"

namespace qcal {

std::unique_ptr<ProductLibrary> open_product_library(const Backend& backend) {
  return backend.name() == "cuda" ? open_cuda_products() : open_cpu_products();
}

}  // namespace qcal
