// Numbers in device memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cuda_support/check.h"
#include "kernels/cuda_support/resources.h"

namespace qcal::bench {

// As many of T, all bits zero at first. Its constructors wait for the device: streams that kernels run on are
// not ordered with the default stream's copies.
template <class T>
class OnDevice {
 public:
  explicit OnDevice(std::int64_t count) : bytes_(static_cast<std::size_t>(count) * sizeof(T)) {
    memory_.reserve(bytes_);
    check_cuda(cudaMemset(memory_.data(), 0, bytes_), "clearing device memory");
    wait();
  }
  explicit OnDevice(const std::vector<T>& values) : OnDevice(static_cast<std::int64_t>(values.size())) {
    check_cuda(cudaMemcpy(memory_.data(), values.data(), bytes_, cudaMemcpyHostToDevice),
               "copying to the device");
    wait();
  }

  T* data() const { return reinterpret_cast<T*>(memory_.data()); }
  void clear(cudaStream_t stream) const {
    check_cuda(cudaMemsetAsync(memory_.data(), 0, bytes_, stream), "clearing device memory");
  }
  // Waits for the device.
  std::vector<T> read() const {
    std::vector<T> values(bytes_ / sizeof(T));
    wait();
    check_cuda(cudaMemcpy(values.data(), memory_.data(), bytes_, cudaMemcpyDeviceToHost),
               "copying to the host");
    return values;
  }

 private:
  static void wait() { check_cuda(cudaDeviceSynchronize(), "waiting for the device"); }

  std::size_t bytes_;
  DeviceBuffer memory_;
};

}  // namespace qcal::bench
