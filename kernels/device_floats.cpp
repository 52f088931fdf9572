#include "kernels/device_floats.h"

#include <cuda_runtime.h>

#include <string>

#include "kernels/cuda_support/check.h"

namespace qcal {

DeviceFloats::DeviceFloats(std::size_t count) : count_(count) {
  if (count == 0) return;
  void* memory = nullptr;
  check_cuda(cudaMalloc(&memory, count * sizeof(float)),
             "allocating " + std::to_string(count * sizeof(float)) + " bytes of device memory");
  data_ = static_cast<float*>(memory);
}

DeviceFloats::~DeviceFloats() {
  cudaFree(data_);
}

void DeviceFloats::upload(std::span<const float> values) {
  check_cuda(cudaMemcpy(data_, values.data(), values.size_bytes(), cudaMemcpyHostToDevice),
             "copying to the device");
}

void DeviceFloats::download(std::span<float> values) const {
  check_cuda(cudaMemcpy(values.data(), data_, values.size_bytes(), cudaMemcpyDeviceToHost),
             "copying from the device");
}

}  // namespace qcal
