// Float32 values in device memory, for a library that computes there.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace qcal {

// The way of floats between host and device: through pinned buffers, which all threads of the caller's oneTBB
// arena fill and empty while others are on their way. In the order of the default stream. Not thread-safe.
// Throws CudaError.
class HostLink {
 public:
  HostLink();
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;
  ~HostLink();

  // `values` may go once this returns; the device may still be waiting for them.
  void upload(std::span<const float> values, float* to);
  // The host waits.
  void download(const float* from, std::span<float> values);

 private:
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

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

 private:
  float* data_ = nullptr;
  std::size_t count_;
};

}  // namespace qcal
