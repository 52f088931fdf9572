// The main function of emulated tests. Writes the kernels that ran to the file that QCAL_HOST_CUDA_KERNELS
// names.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/host_cuda/host_cuda.h"

namespace {

// A fault must not fail the tests that follow.
class ResetAfterFault : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override {
    if (!host_cuda::last_fault().empty()) host_cuda::reset();
  }
};

}  // namespace

int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  testing::UnitTest::GetInstance()->listeners().Append(new ResetAfterFault);
  const int status = RUN_ALL_TESTS();
  if (const char* file = std::getenv("QCAL_HOST_CUDA_KERNELS"); file != nullptr) {
    std::ofstream out(file);
    for (const std::string& kernel : host_cuda::launched_kernels()) out << kernel << '\n';
  }
  return status;
}
