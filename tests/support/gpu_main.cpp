// The main function of tests that need a GPU: without one all of them are skipped, and say why.
#include <gtest/gtest.h>

#include "kernels/backend.h"
#include "kernels/error.h"

namespace {

class NeedsDevice : public ::testing::Environment {
 public:
  void SetUp() override {
    try {
      qcal::Backend::cuda();
    } catch (const qcal::CudaError& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

}  // namespace

int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  testing::AddGlobalTestEnvironment(new NeedsDevice);
  return RUN_ALL_TESTS();
}
