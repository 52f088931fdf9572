#include "kernels/backend.h"

#include "kernels/collector.h"
#include "kernels/cpu_collector.h"
#include "kernels/cpu_patch_sums.h"
#include "kernels/cuda_backend.h"
#include "kernels/error.h"

namespace qcal {
namespace {

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(std::string reason) : reason_(std::move(reason)) {}
  std::string name() const override { return "cpu"; }
  std::string reason() const override { return reason_; }
  std::unique_ptr<Collector> make_collector(const CollectSpec& spec) const override {
    return make_cpu_collector(spec);
  }
  std::unique_ptr<PatchSums> make_patch_sums() const override { return make_cpu_patch_sums(); }

 private:
  std::string reason_;
};

}  // namespace

std::shared_ptr<const Backend> Backend::cpu() {
  return std::make_shared<CpuBackend>("cpu: asked for");
}

std::shared_ptr<const Backend> Backend::cuda() {
  FoundBackend found = find_cuda_backend();
  if (!found.backend) throw CudaError(found.reason);
  return found.backend;
}

std::shared_ptr<const Backend> Backend::automatic() {
  FoundBackend found = find_cuda_backend();
  if (found.backend) return found.backend;
  return std::make_shared<CpuBackend>("cpu: " + found.reason);
}

}  // namespace qcal
