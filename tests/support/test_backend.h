// The back end that a test program is built for: the same tests run on each.
#pragma once

#include <memory>

#include "kernels/backend.h"

namespace qcal::testing {

// The CPU's; in programs built with QCAL_TEST_CUDA the CUDA one, made once because starting a device takes
// long.
inline const std::shared_ptr<const Backend>& test_backend() {
#if defined(QCAL_TEST_CUDA)
  static const std::shared_ptr<const Backend> backend = Backend::cuda();
#else
  static const std::shared_ptr<const Backend> backend = Backend::cpu();
#endif
  return backend;
}

}  // namespace qcal::testing
