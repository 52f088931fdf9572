#include "tests/support/test_backend.h"

namespace qcal::testing {

const std::shared_ptr<const Backend>& test_backend() {
  static const std::shared_ptr<const Backend> backend = Backend::cpu();
  return backend;
}

}  // namespace qcal::testing
