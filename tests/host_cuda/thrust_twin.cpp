// kernels/cuda_support/device_order.cu, emulated: Thrust's C++ back end, in a kernel of one thread.
#include "tests/host_cuda/thrust_twin.h"

#include "kernels/cuda_support/check.h"
#include "kernels/cuda_support/device_order.h"
#include "kernels/cuda_support/gpu_source.cuh"

namespace qcal {
namespace {

__global__ void sort_kernel(double* values, std::int64_t count) {
  twin::sort_values(values, count);
}

__global__ void longest_run_kernel(const double* sorted, std::int64_t count, ModalRule rule,
                                   std::int64_t* lengths) {
  const ValueRun run = twin::longest_run(sorted, count, rule, lengths);
  lengths[0] = run.begin;
  lengths[1] = run.length;
}

}  // namespace

void sort_values(const KernelContext& context, double* values, std::int64_t count) {
  launch("sort_kernel", sort_kernel, dim3(1), dim3(1), 0, context.stream, values, count);
}

ValueRun longest_run(const KernelContext& context, const double* sorted, std::int64_t count, ModalRule rule,
                     std::int64_t* lengths) {
  launch("longest_run_kernel", longest_run_kernel, dim3(1), dim3(1), 0, context.stream, sorted, count, rule,
         lengths);
  std::int64_t run[2] = {};
  check_cuda(cudaMemcpyAsync(run, lengths, sizeof run, cudaMemcpyDeviceToHost, context.stream),
             "copying a run");
  check_cuda(cudaStreamSynchronize(context.stream), "waiting for a run");
  return {run[0], run[1]};
}

}  // namespace qcal
