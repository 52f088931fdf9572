#include "tests/support/test_backend.h"

namespace qcal::testing {

// Made once, because starting a device takes long.
const std::shared_ptr<const Backend>& test_backend() {
  static const std::shared_ptr<const Backend> backend = Backend::cuda();
  return backend;
}

}  // namespace qcal::testing
