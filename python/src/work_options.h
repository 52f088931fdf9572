// Where the arithmetic runs, and what becomes of NaN, as Python says it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernels/backend.h"
#include "kernels/non_finite.h"

namespace qcal::python {

// "auto", "cpu" or "cuda". Throws InvalidArgument for others, CudaError where there is no device.
std::shared_ptr<const Backend> backend_argument(const std::string& name);

// "error", "skip-batch" or "ignore". Throws InvalidArgument for others.
std::optional<NonFinite> non_finite_argument(const std::optional<std::string>& name);

}  // namespace qcal::python
