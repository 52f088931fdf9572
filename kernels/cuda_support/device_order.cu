// Sorting and run lengths by Thrust on the device.
#include "kernels/cuda_support/device_order.h"

#include <thrust/execution_policy.h>

#include "kernels/cuda_support/check.h"
#include "kernels/cuda_support/thrust_order.h"

namespace qcal {

void sort_values(const KernelContext& context, double* values, std::int64_t count) {
  sort_values_with(thrust::cuda::par_nosync.on(context.stream), values, count);
  check_cuda(cudaGetLastError(), "sorting batch results");
}

ValueRun longest_run(const KernelContext& context, const double* sorted, std::int64_t count, ModalRule rule,
                     std::int64_t* lengths) {
  const ValueRun run = longest_run_with(thrust::cuda::par.on(context.stream), sorted, count, rule, lengths);
  check_cuda(cudaGetLastError(), "finding the modal batch results");
  return run;
}

}  // namespace qcal
