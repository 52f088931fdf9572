// The batch statistic on the device: order-free work (sorting, run lengths) is Thrust's, the mean has its own
// order.
#include <algorithm>

#include "kernels/batch_statistic_cuda.h"
#include "kernels/batch_statistic_math.h"
#include "kernels/cuda_support/device_order.h"
#include "kernels/cuda_support/gpu_source.cuh"
#include "kernels/error.h"

namespace qcal {
namespace {

// As many batches as there are: a thread does it.
__global__ void mean_kernel(const double* __restrict__ values, std::int64_t count, double* __restrict__ result) {
  *result = pairwise_sum(values, count) / static_cast<double>(count);
}

__global__ void median_kernel(const double* __restrict__ sorted, std::int64_t count, double* __restrict__ result) {
  *result = median_of_sorted(sorted, count);
}

void copy(double* to, const double* from, std::int64_t count, cudaStream_t stream) {
  check_cuda(cudaMemcpyAsync(to, from, static_cast<std::size_t>(count) * sizeof(double), cudaMemcpyDeviceToDevice,
                             stream),
             "copying batch results");
}

}  // namespace

std::size_t batch_statistic_bytes(std::int64_t count) {
  return static_cast<std::size_t>(count) * sizeof(double) +
         static_cast<std::size_t>(count + 1) * sizeof(std::int64_t);
}

void batch_statistic(const KernelContext& context, const double* values, std::int64_t count, Statistic statistic,
                     ModalRule rule, std::byte* scratch, double* result) {
  if (count < 1) throw InvalidArgument("a statistic over no batches");
  if (statistic == Statistic::mean) {
    launch("mean_kernel", mean_kernel, dim3(1), dim3(1), 0, context.stream, values, count, result);
    return;
  }
  double* const sorted = reinterpret_cast<double*>(scratch);
  copy(sorted, values, count, context.stream);
  sort_values(context, sorted, count);
  if (statistic == Statistic::max) return copy(result, sorted + count - 1, 1, context.stream);
  ValueRun run{0, count};
  if (statistic == Statistic::modal) {
    run = longest_run(context, sorted, count, rule, reinterpret_cast<std::int64_t*>(sorted + count));
    if (rule == ModalRule::exact) run.length = 1;  // all of them are equal
  }
  launch("median_kernel", median_kernel, dim3(1), dim3(1), 0, context.stream,
         static_cast<const double*>(sorted + run.begin), run.length, result);
}

}  // namespace qcal
