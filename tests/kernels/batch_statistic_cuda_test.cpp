// The batch statistic on the device gives the host's bits.
#include "kernels/batch_statistic_cuda.h"

#include <gtest/gtest.h>

#include "kernels/cuda_support/check.h"
#include "kernels/cuda_support/resources.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

double on_device(const std::vector<double>& values, Statistic statistic, ModalRule rule) {
  const OwnedStream stream;
  KernelContext context;
  context.stream = stream.get();
  const auto count = static_cast<std::int64_t>(values.size());
  DeviceBuffer data;
  DeviceBuffer scratch;
  DeviceBuffer result;
  data.reserve(values.size() * sizeof(double));
  scratch.reserve(batch_statistic_bytes(count));
  result.reserve(sizeof(double));
  check_cuda(cudaMemcpy(data.data(), values.data(), values.size() * sizeof(double), cudaMemcpyHostToDevice),
             "copy");
  batch_statistic(context, reinterpret_cast<const double*>(data.data()), count, statistic, rule,
                  scratch.data(), reinterpret_cast<double*>(result.data()));
  check_cuda(cudaStreamSynchronize(stream.get()), "wait");
  double found = 0.0;
  check_cuda(cudaMemcpy(&found, result.data(), sizeof found, cudaMemcpyDeviceToHost), "copy");
  return found;
}

TEST(BatchStatisticCuda, GivesTheHostsBits) {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{8}, std::size_t{127}, std::size_t{129},
        std::size_t{1'003}, std::size_t{5'000}}) {
    for (const Shape shape : {Shape::normal, Shape::relu, Shape::heavy_tail, Shape::constant}) {
      const std::vector<float> floats = samples(shape, size, size);
      std::vector<double> values(floats.begin(), floats.end());
      if (shape == Shape::heavy_tail) {  // repeats, and ties between them
        for (double& value : values) value = static_cast<double>(static_cast<int>(value));
      }
      for (const Statistic statistic :
           {Statistic::modal, Statistic::max, Statistic::mean, Statistic::median}) {
        for (const ModalRule rule : {ModalRule::exact, ModalRule::octaves}) {
          EXPECT_EQ(on_device(values, statistic, rule), batch_statistic(values, statistic, rule))
              << size << " " << name_of(shape) << " " << static_cast<int>(statistic);
        }
      }
    }
  }
}

}  // namespace
}  // namespace qcal::testing
