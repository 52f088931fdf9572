#include <thrust/execution_policy.h>

#include "kernels/cuda_support/thrust_order.h"
#include "tests/host_cuda/thrust_twin.h"

namespace qcal::twin {

void sort_values(double* values, std::int64_t count) {
  sort_values_with(thrust::cpp::par, values, count);
}

ValueRun longest_run(const double* sorted, std::int64_t count, ModalRule rule, std::int64_t* lengths) {
  return longest_run_with(thrust::cpp::par, sorted, count, rule, lengths);
}

}  // namespace qcal::twin
