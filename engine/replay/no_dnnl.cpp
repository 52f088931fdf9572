// Stands in for oneDNN in builds that did not find it.
#include "engine/replay/layer_product.h"

namespace qcal {

std::unique_ptr<ProductLibrary> open_cpu_products() {
  throw MissingLibrary(
      "this build has no oneDNN, which computes the layers: install libdnnl-dev (version 2), and build "
      "again");
}

}  // namespace qcal
