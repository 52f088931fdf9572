// Device memory, and work timed by the device's clock.
#pragma once

#include <memory>

#include "bench/place.h"
#include "kernels/cuda_device.h"

namespace qcal::bench {

class CudaPlace final : public Place {
 public:
  ~CudaPlace() override;
  std::string name() const override { return "cuda"; }
  void open() override;
  const Backend& backend() const override { return *backend_; }
  std::string bandwidth_is() const override { return "a copy in device memory, read and written"; }
  double measured_bandwidth() const override;
  PlacedTensor put(const TensorView& host) const override;
  // Between two events of the stream; finish() comes after, untimed.
  double seconds_of(const Work& work) const override;
  // For kernels that are launched directly, on the stream that enqueue() gets.
  KernelContext context() const;

 private:
  struct Opened;

  std::shared_ptr<const Backend> backend_;
  std::unique_ptr<Opened> opened_;
};

}  // namespace qcal::bench
