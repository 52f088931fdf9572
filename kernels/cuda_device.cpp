#include "kernels/cuda_device.h"

#include <algorithm>
#include <utility>

#include "kernels/cuda_support/check.h"
#include "kernels/error.h"

namespace qcal {
namespace {

constexpr std::size_t least_batch_bytes = 64 * 1024;

int attribute(cudaDeviceAttr wanted, int device) {
  int value = 0;
  check_cuda(cudaDeviceGetAttribute(&value, wanted, device), "asking the device for its properties");
  return value;
}

std::string subject_of(const TensorParts& batch) {
  std::string text = "a " + std::string(name_of(batch.dtype())) + " tensor [";
  for (const std::int64_t extent : batch.shape()) {
    text += (text.back() == '[' ? "" : ", ") + std::to_string(extent);
  }
  return text + "]";
}

}  // namespace

CudaDevice::CudaDevice(const CudaLimits& limits)
    : batch_bytes_(std::max(limits.batch_bytes, least_batch_bytes)),
      staging_(limits.staging_buffers, limits.staging_bytes) {
  int device = 0;
  check_cuda(cudaGetDevice(&device), "asking for the current device");
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, device), "asking the device for its properties");
  name_ = properties.name;
  context_.processors = attribute(cudaDevAttrMultiProcessorCount, device);
  context_.shared_bytes =
      static_cast<std::size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
}

CudaDevice::~CudaDevice() {
  cudaDeviceSynchronize();
}

BatchSlot& CudaDevice::next_slot() {
  BatchSlot& slot = slots_[next_];
  next_ = (next_ + 1) % slots;
  return slot;
}

bool CudaDevice::reserve_batch(BatchSlot& slot, std::size_t bytes) {
  if (bytes <= slot.batch.bytes()) return true;
  slot.drained.wait();  // growing, which happens a few times, drops the last batch
  try {
    slot.batch.reserve(bytes);
    return true;
  } catch (const CudaError&) {
    if (batch_bytes_ <= least_batch_bytes) throw;
    batch_bytes_ = std::max(batch_bytes_ / 2, least_batch_bytes);
    return false;
  }
}

KernelContext CudaDevice::context(cudaStream_t stream, std::string subject) const {
  KernelContext context = context_;
  context.stream = stream;
  context.subject = std::move(subject);
  return context;
}

KernelContext CudaDevice::context(const TensorParts& batch, Stream stream) const {
  const bool given = whole_on_device(batch).has_value() || stream.handle != nullptr;
  return context(given ? static_cast<cudaStream_t>(stream.handle) : compute_stream(), subject_of(batch));
}

}  // namespace qcal
