// Float32 values in device memory, for a library that computes there.
#pragma once

#include <cstddef>
#include <span>

namespace qcal {

// On the device that is current where it is made. Throws CudaError.
class DeviceFloats {
 public:
  explicit DeviceFloats(std::size_t count);
  DeviceFloats(const DeviceFloats&) = delete;
  DeviceFloats& operator=(const DeviceFloats&) = delete;
  ~DeviceFloats();

  // Device memory; null for none.
  float* data() const { return data_; }
  std::size_t count() const { return count_; }

  // From and to host memory, `count()` values, in the order of the default stream; the host waits.
  void upload(std::span<const float> values);
  void download(std::span<float> values) const;

 private:
  float* data_ = nullptr;
  std::size_t count_;
};

}  // namespace qcal
