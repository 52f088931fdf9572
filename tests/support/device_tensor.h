// A copy of a host tensor in device memory, for tests.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "kernels/cuda_support/check.h"
#include "kernels/cuda_support/resources.h"
#include "kernels/tensor_view.h"

namespace qcal::testing {

class DeviceTensor {
 public:
  // `host` lies in C order without gaps; its copy begins `offset` bytes into the memory. No byte of it is
  // spare.
  DeviceTensor(const TensorView& host, std::size_t offset) : view_(host) {
    const std::size_t bytes = static_cast<std::size_t>(host.size()) * size_of(host.dtype);
    memory_.reserve(offset + bytes);
    view_.data = memory_.data() + offset;
    view_.memory = Memory::device;
    if (bytes == 0) return;
    check_cuda(cudaMemcpy(memory_.data() + offset, host.data, bytes, cudaMemcpyHostToDevice),
               "copying a test's tensor");
  }

  TensorView view() const { return view_; }

 private:
  DeviceBuffer memory_;
  TensorView view_;
};

}  // namespace qcal::testing
