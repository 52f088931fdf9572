// Thrust on the CPU, apart from the emulated runtime, with whose types the toolkit's own would collide.
#pragma once

#include <cstdint>

#include "kernels/batch_statistic.h"
#include "kernels/cuda_support/value_run.h"

namespace qcal::twin {

void sort_values(double* values, std::int64_t count);
ValueRun longest_run(const double* sorted, std::int64_t count, ModalRule rule, std::int64_t* lengths);

}  // namespace qcal::twin
