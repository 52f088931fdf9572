// Stands in for cuDNN in builds that did not find it.
#include "engine/replay/layer_product.h"

namespace qcal {

std::unique_ptr<ProductLibrary> open_cuda_products() {
  throw MissingLibrary(
      "this build has no cuDNN, which computes the layers on a GPU: install CUDA and the headers of cuDNN 9, "
      "and build again");
}

}  // namespace qcal
