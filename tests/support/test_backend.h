// The back end that a test program is built for: the same tests run on each.
#pragma once

#include <memory>

#include "kernels/backend.h"

namespace qcal::testing {

// The CPU's in programs with test_backend_cpu.cpp, the CUDA one in those with test_backend_cuda.cpp.
const std::shared_ptr<const Backend>& test_backend();

}  // namespace qcal::testing
