#include "kernels/cuda_backend.h"

#include "kernels/collector.h"
#include "kernels/cuda_collector.h"
#include "kernels/cuda_device.h"
#include "kernels/cuda_patch_sums.h"
#include "kernels/error.h"

namespace qcal {
namespace {

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(std::shared_ptr<CudaDevice> device) : device_(std::move(device)) {}
  std::string name() const override { return "cuda"; }
  std::string reason() const override { return "cuda: " + device_->name(); }
  std::unique_ptr<Collector> make_collector(const CollectSpec& spec) const override {
    return make_cuda_collector(spec, device_);
  }
  std::unique_ptr<PatchSums> make_patch_sums() const override { return make_cuda_patch_sums(device_); }

 private:
  std::shared_ptr<CudaDevice> device_;
};

}  // namespace

std::shared_ptr<const Backend> make_cuda_backend(const CudaLimits& limits) {
  int devices = 0;
  if (const cudaError_t status = cudaGetDeviceCount(&devices); status != cudaSuccess) {
    cudaGetLastError();
    throw CudaError(std::string("no CUDA device answers: ") + cudaGetErrorString(status));
  }
  return std::make_shared<CudaBackend>(std::make_shared<CudaDevice>(limits));
}

FoundBackend find_cuda_backend() {
  try {
    FoundBackend found{make_cuda_backend({}), ""};
    found.reason = found.backend->reason();
    return found;
  } catch (const CudaError& error) {
    return {nullptr, error.what()};
  }
}

}  // namespace qcal
